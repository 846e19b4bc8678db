/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Scenarios: every one that is built in holds; every bad script is reported by file, line
 * and reason; no attempt to get out of the sandbox works; two runs are the same to the
 * byte; and scripts at random come to an end.
 */
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <setjmp.h>
#include <cmocka.h>

#include "common/random.h"
#include "machine/script.h"

#define SCRIPT "./s.lua"
#define ARRAY_SIZE(a) (sizeof(a) / sizeof((a)[0]))

/* ---- what is reported ------------------------------------------------------------- */

/* Text is short; a core may have gigabytes, of which a hash (FNV-1a) is enough. */
struct record {
	char *text;
	size_t size;
	FILE *to;
	unsigned looked;
	uint64_t core_hash, core_size;
};

static void keep(void *arg, const struct kernel_line *line)
{
	struct record *record = arg;

	fprintf(record->to, "%d %u %d %s\n", line->voice, line->cpu, line->pid,
		line->text);
}

static void hash_bytes(struct record *record, const void *bytes, size_t n)
{
	for (size_t i = 0; i < n; i++)
		record->core_hash = (record->core_hash ^ ((const uint8_t *)bytes)[i]) *
				    UINT64_C(0x100000001b3);
}

static ssize_t write_core(void *arg, const char *bytes, size_t n)
{
	struct record *record = arg;

	hash_bytes(record, bytes, n);
	record->core_size += n;
	return (ssize_t)n;
}

/* Over a hole: where it ends stands for what is in it. */
static int seek_core(void *arg, off64_t *at, int whence)
{
	struct record *record = arg;

	if (whence == SEEK_SET)
		record->core_size = (uint64_t)*at;
	*at = (off64_t)record->core_size;
	hash_bytes(record, at, sizeof(*at));
	return 0;
}

static void look(void *arg, struct kernel *kernel)
{
	struct record *record = arg;
	FILE *core = fopencookie(
		arg, "w",
		(cookie_io_functions_t){ .write = write_core, .seek = seek_core });

	assert_non_null(core);
	record->looked++;
	record->core_hash = UINT64_C(0xcbf29ce484222325);
	assert_true(kernel_save(kernel, core));
	assert_int_equal(fclose(core), 0);
}

static struct record record_run(const char *scenario)
{
	struct record record = { 0 };
	const struct script_options options = {
		.scenario = scenario, .say = keep, .look = look, .arg = &record
	};
	char *why;

	record.to = open_memstream(&record.text, &record.size);
	assert_non_null(record.to);
	if (script_run(&options, NULL, &why) != SCRIPT_HOLDS)
		fail_msg("%s", why);
	assert_int_equal(fclose(record.to), 0);
	return record;
}

static void same_core(const struct record *a, const struct record *b)
{
	assert_true(a->core_size > 0);
	assert_int_equal(a->core_size, b->core_size);
	assert_int_equal(a->core_hash, b->core_hash);
}

/* ---- scenarios -------------------------------------------------------------------- */

static void scenario_holds(void **state)
{
	const struct script_scenario *scenario = *state;
	struct record a = record_run(scenario->name), b = record_run(scenario->name);

	assert_true(*scenario->summary);
	assert_int_equal(a.looked, 1);
	assert_true(a.size > 0);
	assert_int_equal(a.size, b.size);
	assert_memory_equal(a.text, b.text, a.size);
	same_core(&a, &b);
	free(a.text);
	free(b.text);
}

/* What m:dump() shows is what until_dump hands out. */
static void dump_is_where_it_stops(void **state)
{
	struct record record = record_run("naughty-bug"), stopped = { 0 };
	const struct script_options options = { .scenario = "naughty-bug",
						.until_dump = true };
	struct kernel *kernel;
	char *why;

	(void)state;
	assert_int_equal(script_run(&options, &kernel, &why), SCRIPT_HOLDS);
	assert_null(why);
	assert_int_equal(kernel_ending(kernel)->end, KERNEL_RUNS);
	look(&stopped, kernel);
	same_core(&record, &stopped);
	kernel_destroy(kernel);
	free(record.text);
}

/* ---- bad scripts ------------------------------------------------------------------ */

static void write_script(const char *text, size_t size)
{
	FILE *file = fopen(SCRIPT, "w");

	assert_non_null(file);
	assert_int_equal(fwrite(text, 1, size, file), size);
	assert_int_equal(fclose(file), 0);
}

static void expect(const char *scenario, enum script_status status, const char *message)
{
	const struct script_options options = { .scenario = scenario };
	struct kernel *kernel;
	char *why;

	assert_int_equal(script_run(&options, &kernel, &why), status);
	assert_null(kernel);
	assert_non_null(why);
	if (!strstr(why, message))
		fail_msg("it says \"%s\", not \"%s\"", why, message);
	free(why);
}

struct bad {
	const char *name, *text;
	const char *message;
	enum script_status status; /* SCRIPT_HOLDS stands for SCRIPT_BAD */
};

#define M "local m = machine {}\n"
#define P M "local p = m:fork(\"sshd\")\n"

/* clang-format off */
static const struct bad bads[] = {
	{ "a syntax error", "local m = = 3", "./s.lua:1: unexpected symbol near '='" },
	{ "an end that is missing", "local m = machine {}\nif m then\n",
	  "./s.lua:3: 'end' expected (to close 'if' at line 2) near <eof>" },
	{ "nothing at all", "", "./s.lua: it makes no machine" },
	{ "no machine", "local x = 1", "./s.lua: it makes no machine" },
	{ "an unknown word", M "\nprint(\"x\")", "./s.lua:3: there is no word 'print'" },
	{ "a new global", "m = machine {}", "./s.lua:1: 'm' is new here: say local m = ..." },
	{ "a word given another meaning", "story = 3",
	  "./s.lua:1: 'story' is new here: say local story = ..." },
	{ "an unknown option", "local m = machine { formt = \"i386\" }",
	  "./s.lua:1: there is no option 'formt'" },
	{ "an option without a name", "local m = machine { \"i386\" }",
	  "./s.lua:1: there is no option '1'" },
	{ "an unknown choice", "local m = machine { format = \"i387\" }",
	  "./s.lua:1: option 'format' is to be one of i386, i386-pae, x86_64" },
	{ "an unknown strategy", "local m = machine { sync = \"lzy\" }",
	  "./s.lua:1: option 'sync' is to be one of none, lazy, eager," },
	{ "a number out of range", "local m = machine { processors = 9 }",
	  "./s.lua:1: option 'processors' is to be a whole number from 1 to 8" },
	{ "half a processor", "local m = machine { processors = 1.5 }",
	  "./s.lua:1: option 'processors' is to be a whole number from 1 to 8" },
	{ "memory that no machine has", "local m = machine { ram = 1 << 40 }",
	  "./s.lua:1: option 'ram' is to be a whole number from 1 to 4096" },
	{ "memory that is too little", "local m = machine { ram = 1 }",
	  "./s.lua:1: no such machine: " },
	{ "a flag that is none", "local m = machine { quiet = 1 }",
	  "./s.lua:1: option 'quiet' is to be true or false" },
	{ "options without braces", "local m = machine(3)",
	  "./s.lua:1: options stand in braces: { name = value }" },
	{ "more machines than there may be", "for i = 1, 9 do machine {} end",
	  "./s.lua:1: a script has 8 machines and 4096 MiB of memory" },
	{ "more memory than there may be",
	  "for i = 1, 3 do machine { format = \"x86_64\", ram = 2000 } end",
	  "./s.lua:1: a script has 8 machines and 4096 MiB of memory" },
	{ "an unknown word of a machine", M "m:frok()", "./s.lua:2: a machine has no 'frok'" },
	{ "an unknown word of a process", P "p:insmod(\"x\")",
	  "./s.lua:3: a process has no 'insmod'" },
	{ "a full stop for a colon", M "m.fork(\"x\")",
	  "./s.lua:2: words of a machine follow a colon: machine:word()" },
	{ "something put into a machine", M "m.x = 3",
	  "./s.lua:2: nothing can be put into a machine" },
	{ "no name", M "m:fork(3)", "./s.lua:2: argument 1 is to be a name, not number" },
	{ "a name too long", M "m:fork(\"console-kit-daemon\")",
	  "./s.lua:2: a name has 1 to 15 letters, and no blank or '/'" },
	{ "a name that would move the cursor", M "m:fork(\"\\27[2J\")",
	  "./s.lua:2: a name has 1 to 15 letters, and no blank or '/'" },
	{ "a name with an end in it", M "m:fork(\"a\\0b\")",
	  "./s.lua:2: a name has 1 to 15 letters, and no blank or '/'" },
	{ "a driver without a name", M "m:insmod { size = 1 }",
	  "./s.lua:2: a driver has a name: { name = \"dtrace\" }" },
	{ "a driver of nothing", M "m:insmod()",
	  "./s.lua:2: options stand in braces: { name = value }" },
	{ "no address", P "p:read({})",
	  "./s.lua:3: argument 1 is to be an address or the name of a function, not table" },
	{ "half an address", P "p:read(0.5)",
	  "./s.lua:3: argument 1 is to be an address or the name of a function, not number" },
	{ "an unknown function", P "p:sees(\"sys_opne\")",
	  "./s.lua:3: there is no function 'sys_opne' in this kernel" },
	{ "no byte", P "p:write(0, 256)", "./s.lua:3: 256 is not between 0 and 255" },
	{ "an unknown bit", P "p:flip(0, \"usr\")", "./s.lua:3: there is no bit 'usr'" },
	{ "a processor that is not there", M "m:interrupt(32, 1)",
	  "./s.lua:2: 1 is not between 0 and 0" },
	{ "a process of another machine", P "p:preempt_in_fault(machine {}:fork())",
	  "./s.lua:3: that is a process of another machine" },
	{ "a machine where a process is meant", P "p:preempt_in_fault(m)",
	  "./s.lua:3: argument 1 is to be a process, not machine" },
	{ "too much to probe", M "m:probe()", "./s.lua:2: a probe is for 1 to 16 addresses" },
	{ "a try of what cannot fail", M "m:try(\"ended\")",
	  "./s.lua:2: 'ended' always works: there is nothing to try" },
	{ "a try with a wrong argument", M "m:try(\"fork\", {})",
	  "./s.lua:2: argument 1 is to be a name, not table" },
	{ "a second dump", M "m:dump()\nm:dump()", "./s.lua:3: there was a dump before" },
	{ "a story that is no text", M "story({})",
	  "./s.lua:2: bad argument #1 to 'story' (string expected, got table)" },
	{ "a format that does not fit", M "story(\"%d\", \"x\")",
	  "./s.lua:2: bad argument #2 to " },
	{ "an error in a function", "local function f(x)\n\treturn x.y.z\nend\n"
	  "local function g()\n\treturn f({}) + 1\nend\ng()",
	  "./s.lua:2: attempt to index a nil value (field 'y')" },

	{ "a story that is a book", M "local s = \"xxxxxxxxxxxxxxxx\"\n"
	  "for i = 1, 8 do s = s .. s end\nstory(s)",
	  "./s.lua:4: a line of the story has 1000 letters at most" },

	/* What did not go as the script says. */
	{ "an assertion", M "\tassert(m:ended() == \"resets\")",
	  "./s.lua:2: this does not hold: assert(m:ended() == \"resets\")", SCRIPT_FAILS },
	{ "an assertion with words", M "assert(false, \"%d of %s\", 3, \"four\")",
	  "./s.lua:2: this does not hold: 3 of four", SCRIPT_FAILS },
	{ "an assertion in a function",
	  M "local function check(x)\n\tassert(x)\nend\ncheck(nil)",
	  "./s.lua:3: this does not hold: assert(x)", SCRIPT_FAILS },
	{ "an operation that is refused", M "m:rmmod(\"nobody\")",
	  "./s.lua:2: invalid: ", SCRIPT_FAILS },
	{ "a process that is killed", P "p:read(0xc1000000)", "./s.lua:3: killed: ",
	  SCRIPT_FAILS },
	{ "a question about a process that is gone", P "p:exit()\nlocal x = p:comm()",
	  "./s.lua:4: process ", SCRIPT_FAILS },
	{ "a process that never was", M "m:process(77)", "./s.lua:2: there is no process 77",
	  SCRIPT_FAILS },

	/* What does not end by itself, or wants too much. */
	{ "a loop without an end", M "while true do\nend",
	  ": it does not come to an end: stopped after" },
	{ "a jump without an end", "::a::\ngoto a", ": it does not come to an end: " },
	{ "a loop of operations", M "while true do\n\tm:flush_tlb()\nend",
	  "./s.lua:3: it does not come to an end: " },
	{ "a story without an end", M "while true do\n\tstory(\"and\")\nend",
	  "./s.lua:3: it does not come to an end: " },
	{ "calls without an end", "local function f(x)\n\treturn 1 + f(x)\nend\nf(1)",
	  "./s.lua:2: stack overflow" },
	{ "tail calls without an end", "local function f(x)\n\treturn f(x)\nend\nf(1)",
	  "./s.lua:2: it does not come to an end: " },
	{ "a table without an end", "local t = {}\nwhile true do\n"
	  "\tt[#t + 1] = format(\"%99s\", \"x\") .. #t\nend",
	  "./s.lua:3: it wants more memory than a script has" },
	{ "a string that doubles", "local s = \"x\"\nwhile true do\n\ts = s .. s\nend",
	  "./s.lua:3: it wants more memory than a script has" },
	{ "a string copied for ever", "local s = format(\"%99s\", \"x\")\n"
	  "for i = 1, 16 do s = s .. s end\nwhile true do\n\tlocal t = s .. \"y\"\nend",
	  "./s.lua:4: it wants more memory than a script has" },
};

/* Each would be a way to the host, to another script, or to what differs from run to run. */
static const char *const escapes[] = {
	"io.open(\"/etc/passwd\")", "os.execute(\"true\")", "os.getenv(\"HOME\")",
	"os.time()", "require(\"os\")", "package.loadlib(\"libc.so.6\", \"*\")",
	"debug.getregistry()", "debug.sethook()", "load(\"return 1\")()",
	"loadstring(\"return 1\")()", "loadfile(\"/etc/passwd\")", "dofile(\"/etc/passwd\")",
	"coroutine.create(function() end)", "pcall(function() end)", "xpcall(story, story)",
	"error(\"x\")", "getmetatable(\"\")", "setmetatable({}, {})", "rawset({}, 1, 1)",
	"rawget({}, 1)", "rawequal(1, 1)", "next({})", "pairs({})", "select(1, 2)",
	"tostring({})", "collectgarbage()", "math.random()", "string.rep(\"x\", 1 << 40)",
	"string.dump(function() end)", "string.find(\"a\", \"a\")", "table.concat({})",
	"utf8.char(1)", "warn(\"@on\")", "_G.x()", "(\"x\"):rep(1 << 40)",
	"(\"x\"):find(\"x\")", "(\"x\").rep(\"x\", 9)", "story(\"%p\", \"x\")",
	"story(\"a\\0%p\", \"x\")", "story(\"%s\", {})", "story(\"%s\", story)",
	"story(\"%s\", m)", "format(\"%s\", machine)", "local x = m .. \"\"", "local x = #m",
	"local x = m + 1", "m()", "local x = m < m", "m.__gc(m)", "m.__index(m)",
	"_ENV.io.open(\"x\")", "_ENV[1] = 2", "local x <close> = m", "for k in m do end",
	"ipairs(m)", "m:try(\"__gc\")", "m:open(\"/etc/passwd\")",
};
/* clang-format on */

static void bad_is_reported(void **state)
{
	const struct bad *bad = *state;

	write_script(bad->text, strlen(bad->text));
	expect(SCRIPT, bad->status ? bad->status : SCRIPT_BAD, bad->message);
}

/* The machine is there first, so that it is this line that fails. */
static void escape_is_refused(void **state)
{
	char text[256];
	int n = snprintf(text, sizeof(text), "local m = machine { };\n%s",
			 *(const char *const *)*state);

	assert_in_range(n, 1, sizeof(text) - 1);
	write_script(text, (size_t)n);
	expect(SCRIPT, SCRIPT_BAD, "./s.lua:2: ");
}

static void compiled_is_refused(void **state)
{
	(void)state;
	write_script("\033Lua\x54\0\x19\x93\r\n\x1a\n", 12);
	expect(SCRIPT, SCRIPT_BAD, "./s.lua: not text");
}

static void long_text_is_refused(void **state)
{
	const size_t size = (1 << 20) + 1;
	char *text = malloc(size);

	(void)state;
	assert_non_null(text);
	memset(text, '\n', size);
	write_script(text, size);
	free(text);
	expect(SCRIPT, SCRIPT_BAD, "./s.lua: longer than a script may be, 1024 KiB");
}

static void deep_text_is_refused(void **state)
{
	char text[3000] = "local x = ";
	size_t n = strlen(text);

	(void)state;
	memset(text + n, '(', sizeof(text) - n);
	write_script(text, sizeof(text));
	expect(SCRIPT, SCRIPT_BAD, "./s.lua: C stack overflow");
}

static void what_is_no_file_is_refused(void **state)
{
	(void)state;
	assert_int_equal(mkfifo("fifo", 0600), 0);
	expect("./nothing.lua", SCRIPT_UNREADABLE,
	       "./nothing.lua: No such file or directory");
	expect("./", SCRIPT_UNREADABLE, "./: not a file");
	expect("/dev/zero", SCRIPT_UNREADABLE, "/dev/zero: not a file");
	expect("./fifo", SCRIPT_UNREADABLE, "./fifo: not a file");
	expect("no-such", SCRIPT_UNKNOWN, "there is no scenario 'no-such'");
	expect("", SCRIPT_UNKNOWN, "there is no scenario ''");
	unlink("fifo");
}

static void long_path_is_reported(void **state)
{
	char path[600];

	(void)state;
	memset(path, '/', sizeof(path));
	strcpy(path + sizeof(path) - 10, "./s.lua");
	*path = '.';
	write_script("local s = \"x\" while true do s = s .. s end", 42);
	expect(path, SCRIPT_BAD, "s.lua:1: it wants more memory than a script has");
	write_script("x", 1);
	expect(path, SCRIPT_BAD, "s.lua:1: ");
}

/* ---- mutants ---------------------------------------------------------------------- */

#define MUTANTS 40

/* A line is dropped or doubled, or a digit or a letter is another one. */
static size_t mutate(struct random *random, char *text, size_t size)
{
	static const char letters[] =
		"0123456789abcdefghijklmnopqrstuvwxyz.,:(){}=\"' \n";
	size_t at = random_below(random, size), begin = at, end = at;

	while (begin && text[begin - 1] != '\n')
		begin--;
	while (end < size && text[end] != '\n')
		end++;
	end += end < size;
	switch (random_below(random, 3)) {
	case 0:
		memmove(text + begin, text + end, size - end);
		return size - (end - begin);
	case 1:
		memmove(text + end, text + begin, size - begin);
		return size + (end - begin);
	default:
		text[at] = letters[random_below(random, sizeof(letters) - 1)];
		return size;
	}
}

/* Whatever a script says, a run ends with a status, and with a reason where it failed. */
static void mutants_end(void **state)
{
	const struct script_scenario *scenario = *state;
	struct random random = { .state = random_seed() + scenario->size };
	char *text = malloc(16 * scenario->size);
	unsigned came_to[SCRIPT_NO_MEMORY + 1] = { 0 };

	assert_non_null(text);
	for (unsigned i = 0; i < MUTANTS; i++) {
		const struct script_options options = { .scenario = SCRIPT };
		size_t size = scenario->size;
		enum script_status status;
		char *why;

		memcpy(text, scenario->text, size);
		for (unsigned j = 0; j < 1 + i % 3 && size; j++)
			size = mutate(&random, text, size);
		write_script(text, size);
		status = script_run(&options, NULL, &why);
		assert_in_range(status, SCRIPT_HOLDS, SCRIPT_BAD);
		assert_int_equal(status == SCRIPT_HOLDS, why == NULL);
		came_to[status]++;
		free(why);
	}
	assert_true(came_to[SCRIPT_BAD] > 0);
	free(text);
}

/* ---- all of them ------------------------------------------------------------------ */

struct tests {
	struct CMUnitTest v[256];
	size_t n;
};

static void add(struct tests *tests, const char *name, CMUnitTestFunction test,
		const void *state)
{
	if (tests->n == ARRAY_SIZE(tests->v))
		abort();
	tests->v[tests->n++] = (struct CMUnitTest){ .name = name,
						    .test_func = test,
						    .initial_state = (void *)state };
}

int main(void)
{
	static struct tests tests;
	char folder[] = "/tmp/test_script.XXXXXX";
	int failed;

	if (!mkdtemp(folder) || chdir(folder))
		return 1;
	for (const struct script_scenario *s = script_scenarios; s->name; s++)
		add(&tests, s->name, scenario_holds, s);
	add(&tests, "dump is where it stops", dump_is_where_it_stops, NULL);
	for (size_t i = 0; i < ARRAY_SIZE(bads); i++)
		add(&tests, bads[i].name, bad_is_reported, &bads[i]);
	for (size_t i = 0; i < ARRAY_SIZE(escapes); i++)
		add(&tests, escapes[i], escape_is_refused, &escapes[i]);
	for (const struct script_scenario *s = script_scenarios; s->name; s++)
		if (strcmp(s->name, "fork-storm") != 0) /* each would take its seconds */
			add(&tests, s->summary, mutants_end, s);
	add(&tests, "a compiled script", compiled_is_refused, NULL);
	add(&tests, "a long script", long_text_is_refused, NULL);
	add(&tests, "a deep script", deep_text_is_refused, NULL);
	add(&tests, "what is no file", what_is_no_file_is_refused, NULL);
	add(&tests, "a long path", long_path_is_reported, NULL);
	failed = _cmocka_run_group_tests("script", tests.v, tests.n, NULL, NULL);
	unlink(SCRIPT);
	if (chdir("/") || rmdir(folder))
		return 1;
	return failed;
}
