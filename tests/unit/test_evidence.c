/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * What discovery believes, and what it does not: a VMCOREINFO note, a System.map, a root
 * that is given, a page that looks like a user half, and memory that is no Linux.
 */
#include "discovery.h"

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "common/memory.h"
#include "util/cleanup.h"
#include "x86/entry.h"
#include "x86/registers.h"

static const struct guest_kind *kind_of(void **state)
{
	return *state;
}

static void forget_vmcoreinfo(struct guest *guest)
{
	memset(guest->memory + guest->vmcoreinfo, 0, WS_FRAME_SIZE);
}

/* Nothing points at init_mm's table any more. */
static void forget_init_mm(struct guest *guest)
{
	guest_put(guest, guest_pa(guest, guest->init_mm) + GUEST_PGD_OFFSET, 0);
}

static size_t count_kind(const struct ws_system *system, enum ws_space_kind kind)
{
	size_t n = 0;

	ws_vec_each(&system->spaces, space)
		n += space->kind == kind;
	return n;
}

static void expect_init_mm(const struct ws_system *system, const struct guest *guest)
{
	assert_false(system->layout.consensus);
	assert_int_equal(system->layout.reference, guest->swapper);
}

static void expect_image(const struct ws_system *system, const struct guest *guest)
{
	assert_int_equal(system->layout.image_first, guest->kind->image);
	assert_true(system->layout.image_last >=
		    guest->kind->image + (guest->image_end - guest->image_pa) - 1);
}

/* ---- VMCOREINFO's note ------------------------------------------------------------- */

/* The guest's own text, its image `moved` further than it is, of that release. */
static char *text_moved(const struct guest *guest, uint64_t moved, const char *release)
{
	uint64_t image = guest->kind->image + moved;
	bool wide = guest->word == 8;
	char *text;

	if (asprintf(&text,
		     "OSRELEASE=%s\nPAGESIZE=4096\nSYMBOL(init_uts_ns)=%lx\n"
		     "SYMBOL(swapper_pg_dir)=%lx\nSYMBOL(_stext)=%lx\n"
		     "NUMBER(phys_base)=%ld\n%s",
		     release, image + (guest->uts - guest->image_pa),
		     image + (guest->swapper - guest->image_pa), image,
		     wide ? (long)(guest->image_pa + moved - (image - X86_KERNEL_MAP))
			  : 0,
		     guest->kind->format == &ws_format_i386_pae ? "CONFIG_X86_PAE=y\n"
		     : !wide                                    ? ""
		     : guest->kind->format == &ws_format_x86_64_la57
			     ? "NUMBER(pgtable_l5_enabled)=1\n"
			     : "NUMBER(pgtable_l5_enabled)=0\n") < 0)
		abort();
	return text;
}

static struct guest *noted_guest(void **state, uint64_t moved, const char *release)
{
	struct guest *guest = guest_create(kind_of(state));

	guest->target.vmcoreinfo = text_moved(guest, moved, release);
	guest_set_cr3(guest, guest->task[1].root);
	return guest;
}

static void expect_note_left(struct guest *guest, const char *why)
{
	struct ws_system *system = open_system(guest);

	assert_true(has_note(system, "not of this boot"));
	assert_true(has_note(system, why));
	assert_null(system->vmcoreinfo);
	expect_init_mm(system, guest);
	expect_image(system, guest);
	assert_int_equal(system->tasks.n, guest->ntasks);
	ws_system_close(system);
	guest_destroy(guest);
}

static void expect_note_used(struct guest *guest)
{
	struct ws_system *system = open_system(guest);

	assert_false(has_note(system, "not of this boot"));
	assert_false(has_note(system, "could not be checked"));
	assert_string_equal(system->vmcoreinfo, guest->target.vmcoreinfo);
	assert_int_equal(system->layout.image_first, guest->kind->image);
	ws_system_close(system);
	guest_destroy(guest);
}

#define MOVED 0x200000 /* CONFIG_PHYSICAL_ALIGN: as KASLR moves a kernel */

static void note_gives_way_to_the_text_that_fits(void **state)
{
	struct guest *guest = noted_guest(state, MOVED, "6.1.0-made");
	struct ws_system *system = open_system(guest);

	assert_true(has_note(system, "not of this boot"));
	assert_true(has_note(system, "the text found in memory is"));
	assert_string_equal(system->vmcoreinfo,
			    (char *)guest->memory + guest->vmcoreinfo);
	expect_init_mm(system, guest);
	expect_image(system, guest);
	ws_system_close(system);
	guest_destroy(guest);
}

static void note_of_another_boot_alone_is_left(void **state)
{
	struct guest *guest = noted_guest(state, MOVED, "6.1.0-made");

	forget_vmcoreinfo(guest);
	expect_note_left(guest, "its init_uts_ns holds no name of a system");
}

/*
 * The format was the note's word, and is not believed either; but where the roots in
 * memory hold together in that format it is theirs.
 */
static void note_of_another_boot_alone_tells_no_format(void **state)
{
	struct guest *guest = noted_guest(state, MOVED, "6.1.0-made");
	struct ws_system *system;

	forget_vmcoreinfo(guest);
	guest->target.cpus.n = 0;
	guest->target.format_by_note = true;
	if (guest->word == 4) { /* without a root nothing shows that it does not fit */
		expect_note_left(guest, "its init_uts_ns holds no name of a system");
		return;
	}
	assert_int_equal(ws_system_open(&guest->target, NULL, &system), WS_ERR_NOT_FOUND);
	assert_non_null(strstr(ws_error(guest->target.ctx, 0), "format is unknown"));
	guest_destroy(guest);
}

/* Linked for the same addresses, and no table says that it does not fit. */
static void note_of_another_release_is_left(void **state)
{
	struct guest *guest = noted_guest(state, 0, "6.1.0-mad");
	char *line = strstr(guest->target.vmcoreinfo, "swapper_pg_dir");

	forget_vmcoreinfo(guest);
	memcpy(line, "another", 7);
	expect_note_left(guest, "the release in its init_uts_ns is another");
}

/* The page table is what is damaged: the name of the system says whose note it is. */
static void note_outlives_a_damaged_table(void **state)
{
	struct guest *guest = noted_guest(state, 0, "6.1.0-made");

	forget_vmcoreinfo(guest);
	memset(guest->memory + guest->swapper, 0, WS_FRAME_SIZE);
	expect_note_used(guest);
}

/* What would show it is not in the dump: nothing speaks against it, and that is said. */
static void note_that_cannot_be_checked_is_kept(void **state)
{
	struct guest *guest = noted_guest(state, 0, "6.1.0-made");
	struct ws_system *system;

	forget_vmcoreinfo(guest);
	guest_leave_out(guest, guest->swapper);
	guest_leave_out(guest, guest->uts);
	system = open_system(guest);
	assert_true(has_note(system, "could not be checked"));
	assert_non_null(system->vmcoreinfo);
	assert_int_equal(system->layout.image_first, guest->kind->image);
	ws_system_close(system);
	guest_destroy(guest);
}

/* The same, but its text begins where this kernel has none. */
static void note_is_refuted_by_its_text(void **state)
{
	uint64_t moved = UINT64_C(8) << 20; /* behind all that the guest has */
	struct guest *guest = noted_guest(state, moved, "6.1.0-made");

	forget_vmcoreinfo(guest);
	guest_leave_out(guest, guest->swapper + moved);
	guest_leave_out(guest, guest->uts + moved);
	if (guest->word == 4)
		expect_note_left(guest, "its _stext lies outside the kernel's text");
	else /* there its addresses are mapped nowhere */
		expect_note_left(guest, "its init_uts_ns holds no name of a system");
}

/* ---- page-table isolation ---------------------------------------------------------- */

/* Roots that map user memory. */
static size_t live_roots(const struct guest *guest, uint64_t *roots)
{
	size_t n = 0;

	for (unsigned i = 0; i < guest->ntasks; i++)
		if (guest->task[i].root && strcmp(guest->task[i].comm, "vfork"))
			roots[n++] = guest->task[i].root;
	roots[n++] = guest->kept;
	return n;
}

/* level3_kernel_pgt lies behind init_top_pgt: two entries that lead to tables. */
static void a_table_behind_init_mms_is_no_user_half(void **state)
{
	struct guest *guest = guest_create(kind_of(state));
	uint64_t behind = guest->swapper + WS_FRAME_SIZE;
	struct ws_system *system;

	if (!guest->kind->pti && guest->word == 8) {
		guest_put(guest, behind + 8 * 510, (1u << 20) | 0x67);
		guest_put(guest, behind + 8 * 511, (1u << 20) | 0x67);
	}
	guest_set_cr3(guest, guest->swapper);
	system = open_system(guest);
	assert_int_equal(system->layout.pti, guest->kind->pti);
	assert_int_equal(count_kind(system, WS_SPACE_USER) > 0, guest->kind->pti);
	ws_system_close(system);
	guest_destroy(guest);
}

static bool isolates_with(void **state, size_t damaged, size_t *nroots)
{
	struct guest *guest = guest_create(kind_of(state));
	uint64_t roots[GUEST_TASKS];
	struct ws_system *system;
	bool pti;

	*nroots = live_roots(guest, roots);
	for (size_t i = 0; i < damaged; i++)
		memset(guest->memory + roots[i] + WS_FRAME_SIZE, 0, WS_FRAME_SIZE);
	guest_set_cr3(guest, guest->swapper);
	system = open_system(guest);
	pti = system->layout.pti;
	ws_system_close(system);
	guest_destroy(guest);
	return pti;
}

static void more_than_half_of_the_roots_show_isolation(void **state)
{
	size_t n, ignored;

	isolates_with(state, 0, &n);
	assert_true(isolates_with(state, (n - 1) / 2, &ignored));
	assert_false(isolates_with(state, (n + 1) / 2, &ignored));
}

/* A page that repeats the user's entries alone has not what entering the kernel needs. */
static void halves_without_the_kernel_are_none(void **state)
{
	struct guest *guest = guest_create(kind_of(state));
	uint64_t roots[GUEST_TASKS];
	size_t n = live_roots(guest, roots);
	struct ws_system *system;

	for (size_t i = 0; i < n && guest->word == 8; i++) {
		memcpy(guest->memory + roots[i] + WS_FRAME_SIZE, guest->memory + roots[i],
		       WS_FRAME_SIZE);
		memset(guest->memory + roots[i] + WS_FRAME_SIZE + WS_FRAME_SIZE / 2, 0,
		       WS_FRAME_SIZE / 2);
	}
	guest_set_cr3(guest, guest->swapper);
	system = open_system(guest);
	assert_int_equal(system->layout.pti, guest->kind->pti && guest->word == 4);
	ws_system_close(system);
	guest_destroy(guest);
}

/* ---- the image where nothing is write-protected ------------------------------------ */

/* Text as it was mapped before mark_rodata_ro(). */
static void unprotect_text(struct guest *guest)
{
	for (uint64_t pa = guest->image_pa; pa < guest->swapper; pa += WS_FRAME_SIZE)
		guest_map(guest, guest->swapper, guest->kind->page_offset + pa, pa, 3);
}

/* struct resource before 2.6.18: the name, then start and end as words; no .bss. */
static void make_old_resources(struct guest *guest)
{
	uint64_t names[2], at = guest->resources;
	unsigned word = guest->word, size = guest->kind->format->entry_log2 == 3 ? 8 : 4;

	for (unsigned i = 0; i < 2; i++)
		names[i] = guest_get(guest, at + 0x40 * i + 2 * size);
	memset(guest->memory + at, 0, 0x80);
	memcpy(guest->memory + guest_pa(guest, names[0]), "Kernel data", 12);
	for (unsigned i = 0; i < 2; i++) {
		guest_put(guest, at + 0x40 * i, names[i]);
		guest_put(guest, at + 0x40 * i + word,
			  i ? guest->image_pa : guest->swapper);
		guest_put(guest, at + 0x40 * i + 2 * word,
			  i ? guest->swapper - 1 : guest->swapper + 0x1ffff);
	}
}

static struct guest *old_guest(void **state)
{
	struct guest *guest = guest_create(kind_of(state));

	forget_vmcoreinfo(guest);
	unprotect_text(guest);
	guest_set_cr3(guest, guest->task[1].root);
	return guest;
}

static void image_by_the_kernels_own_resources(void **state)
{
	struct guest *guest = old_guest(state);
	struct ws_system *system = open_system(guest);

	expect_image(system, guest);
	expect_init_mm(system, guest);
	assert_int_equal(system->tasks.n, guest->ntasks);
	ws_system_close(system);
	guest_destroy(guest);
}

/* It ends where the data end, for all that is known: the margin behind them is said. */
static void image_by_old_resources(void **state)
{
	struct guest *guest = old_guest(state);
	struct ws_system *system;

	make_old_resources(guest);
	system = open_system(guest);
	expect_image(system, guest);
	expect_init_mm(system, guest);
	assert_true(has_note(system, "the kernel's end is not known"));
	ws_system_close(system);
	guest_destroy(guest);
}

/* What points at a root from behind the data is no init_mm: an mm that was freed. */
static void a_freed_mm_behind_the_image_does_not_confuse(void **state)
{
	struct guest *guest = old_guest(state);
	uint64_t freed = guest->swapper + 0x80000; /* in the margin */
	struct ws_system *system;

	make_old_resources(guest);
	memcpy(guest->memory + freed, guest->memory + guest->freed, WS_FRAME_SIZE);
	guest_put(guest, freed + 0x10000 + GUEST_PGD_OFFSET,
		  guest->kind->image + (freed - guest->image_pa));
	system = open_system(guest);
	expect_init_mm(system, guest);
	ws_system_close(system);
	guest_destroy(guest);
}

/* Two tables that the data point at, either of which may be init_mm's: neither is. */
static void two_tables_that_may_be_init_mms(void **state)
{
	struct guest *guest = guest_create(kind_of(state));
	uint64_t other = guest->swapper + 0x40000;
	struct ws_system *system;

	forget_vmcoreinfo(guest);
	guest_set_cr3(guest, guest->task[1].root);
	memcpy(guest->memory + other, guest->memory + guest->freed, WS_FRAME_SIZE);
	guest_put(guest, guest->swapper + 0x10000,
		  guest->kind->image + (other - guest->image_pa));
	system = open_system(guest);
	assert_true(system->layout.consensus);
	assert_true(has_note(system, "init_mm's page table was not found"));
	ws_system_close(system);
	guest_destroy(guest);
}

/* A copy of the same in a user's page says nothing of an image around it. */
static void resources_elsewhere_are_no_image(void **state)
{
	struct guest *guest = old_guest(state);
	uint64_t user = 12u << 20;
	struct ws_system *system;

	memcpy(guest->memory + user, guest->memory + guest->resources, 0x80);
	memset(guest->memory + guest->resources, 0, 0x80);
	if (guest->word == 4) { /* the name stays in the image, the struct lies too far */
		uint64_t at = user + 0x40;

		memset(guest->memory + user, 0, 0x40);
		memmove(guest->memory + at, guest->memory + user + 0x40, 0x40);
		guest_put32(guest, at, 0x0f000000); /* and begins behind both */
		guest_put32(guest, at + (guest->kind->format->entry_log2 == 3 ? 8 : 4),
			    0x0f200000);
	}
	system = open_system(guest);
	assert_int_equal(system->layout.image_last != 0, guest->word == 8);
	ws_system_close(system);
	guest_destroy(guest);
}

/* ---- a System.map, a root that is given -------------------------------------------- */

#define BANNER 0x1000 /* in the image's text */
#define IDT 0xc000    /* in its data */
#define HANDLERS 0x2000

/* An image of which memory says nothing at all; what a map could be held against. */
static struct guest *mute_guest(void **state)
{
	struct guest *guest = old_guest(state);

	memset(guest->memory + guest->resources, 0, 0x80);
	memcpy(guest->memory + guest->image_pa + BANNER, "Linux version 2.6.17", 21);
	return guest;
}

static void put_gate(struct guest *guest, unsigned vector, uint64_t target)
{
	uint64_t size = guest->word == 8 ? 16 : 8;
	uint8_t *gate = guest->memory + guest->swapper + IDT + vector * size;

	memset(gate, 0, size);
	put_little(gate, 2, target);
	gate[5] = 0x8e;
	put_little(gate + 6, size == 16 ? 6 : 2, target >> 16);
}

static const struct {
	unsigned vector;
	const char *name;
} gates[] = { { 0, "divide_error" },
	      { 6, "invalid_op" },
	      { 13, "general_protection" },
	      { 14, "page_fault" } };

/* hooked: how many of the last gates lead to module memory. */
static void make_idt(struct guest *guest, size_t hooked)
{
	struct ws_cpu *cpu = &guest->target.cpus.v[0];
	size_t n = WS_ARRAY_SIZE(gates);

	cpu->reg[X86_IDT + WS_SEGMENT_BASE] =
		guest->kind->image + (guest->swapper + IDT - guest->image_pa);
	cpu->reg[X86_IDT + WS_SEGMENT_LIMIT] = guest->word == 8 ? 4095 : 2047;
	for (size_t i = 0; i < n; i++)
		put_gate(guest, gates[i].vector,
			 i + hooked < n ? guest->kind->image + HANDLERS + 0x10 * i
					: guest->kind->module + 0x20);
}

struct map {
	char path[32];
	FILE *to;
};

static void map_line(const struct map *map, uint64_t va, char type, const char *name)
{
	fprintf(map->to, "%016lx %c %s\n", va, type, name);
}

static struct map map_begin(const struct guest *guest)
{
	struct map map = { .path = "/tmp/whosees-map-XXXXXX" };
	int fd = mkstemp(map.path);

	assert_true(fd >= 0);
	map.to = fdopen(fd, "w");
	assert_non_null(map.to);
	map_line(&map, guest->kind->image, 'T', "_text");
	map_line(&map, guest->kind->image + (guest->swapper - guest->image_pa), 'B',
		 "swapper_pg_dir");
	return map;
}

/* banner: where the map has linux_banner; the guest's is at BANNER. */
static struct map map_of(const struct guest *guest, uint64_t banner)
{
	struct map map = map_begin(guest);
	uint64_t image = guest->kind->image;

	map_line(&map, image + banner, 'R', "linux_banner");
	for (size_t i = 0; i < WS_ARRAY_SIZE(gates); i++)
		map_line(&map, image + HANDLERS + 0x10 * i, 't', gates[i].name);
	map_line(&map, guest->task[0].comm_va - 0x200, 'D', "init_task");
	map_line(&map, guest->init_mm, 'D', "init_mm");
	map_line(&map, image + (guest->image_end - guest->image_pa), 'A', "_end");
	return map;
}

static enum ws_status open_with(struct guest *guest, struct map *map,
				struct ws_system **system)
{
	struct ws_system_options options = { .system_map = map->path };
	enum ws_status status;

	fclose(map->to);
	status = ws_system_open(&guest->target, &options, system);
	unlink(map->path);
	return status;
}

static void image_and_init_mm_by_a_map(void **state)
{
	struct guest *guest = mute_guest(state);
	struct map map = map_of(guest, BANNER);
	struct ws_system *system;

	make_idt(guest, 0);
	assert_int_equal(open_with(guest, &map, &system), WS_OK);
	assert_int_equal(system->layout.image_first, guest->kind->image);
	expect_init_mm(system, guest);
	assert_int_equal(system->tasks.n, guest->ntasks);
	assert_false(has_note(system, "the kernel's end is not known"));
	ws_system_close(system);
	guest_destroy(guest);
}

/* Even where nothing in memory points at it. */
static void init_mm_by_a_map_alone(void **state)
{
	struct guest *guest = mute_guest(state);
	struct map map = map_of(guest, BANNER);
	struct ws_system *system;

	make_idt(guest, 0);
	forget_init_mm(guest);
	assert_int_equal(open_with(guest, &map, &system), WS_OK);
	expect_init_mm(system, guest);
	ws_system_close(system);
	guest_destroy(guest);
}

/* The story itself: the gate is hooked, and the map is wanted to see where it led. */
static void a_hooked_gate_does_not_refute_a_map(void **state)
{
	for (size_t hooked = 1; hooked <= WS_ARRAY_SIZE(gates); hooked++) {
		struct guest *guest = mute_guest(state);
		struct map map = map_of(guest, BANNER);
		struct ws_system *system;
		struct ws_symbol symbol;

		make_idt(guest, hooked);
		assert_int_equal(open_with(guest, &map, &system), WS_OK);
		assert_true(has_note(system, "it was changed while the kernel ran"));
		assert_int_equal(ws_symbol_find(system, "page_fault", &symbol), WS_OK);
		assert_int_equal(symbol.va, guest->kind->image + HANDLERS + 0x30);
		ws_system_close(system);
		guest_destroy(guest);
	}
}

/* Without gates the contents of four symbols show a map, and three are too few. */
static void a_map_by_contents(void **state)
{
	for (unsigned without = 0; without <= 4; without++) {
		struct guest *guest = mute_guest(state);
		const struct {
			uint64_t va;
			const char *name;
		} symbols[] = {
			{ guest->kind->image + BANNER, "linux_banner" },
			{ guest->kind->image + (guest->uts - guest->image_pa),
			  "init_uts_ns" },
			{ guest->task[0].comm_va - 0x200, "init_task" },
			{ guest->init_mm, "init_mm" },
		};
		struct map map = map_begin(guest);
		struct ws_system *system;

		for (unsigned i = 0; i < 4; i++)
			if (i != without)
				map_line(&map, symbols[i].va, 'D', symbols[i].name);
		assert_int_equal(open_with(guest, &map, &system),
				 without == 4 ? WS_OK : WS_ERR_MALFORMED);
		if (without == 4)
			ws_system_close(system);
		guest_destroy(guest);
	}
}

/* A map of a kernel that was built otherwise: what it names does not lie there. */
static void a_map_of_another_build_is_refused(void **state)
{
	struct guest *guest = mute_guest(state);
	struct map map = map_of(guest, BANNER + 0x100);
	struct ws_system *system;

	make_idt(guest, 1);
	memset(guest->memory + guest_pa(guest, guest->task[0].comm_va), 'x', 9);
	assert_int_equal(open_with(guest, &map, &system), WS_ERR_MALFORMED);
	assert_non_null(
		strstr(ws_error(guest->target.ctx, 0), "not shown to be of this"));
	guest_destroy(guest);
}

/* Whoever gives a root without user memory means init_mm's. */
static void a_given_root_is_init_mms(void **state)
{
	struct guest *guest = mute_guest(state);
	struct ws_system *system;

	forget_init_mm(guest);
	guest->target.has_root = true;
	guest->target.root = guest->swapper;
	system = open_system(guest);
	expect_init_mm(system, guest);
	ws_system_close(system);
	guest_destroy(guest);
}

static void a_given_root_of_a_process_is_not(void **state)
{
	struct guest *guest = mute_guest(state);
	struct ws_system *system;

	forget_init_mm(guest);
	guest->target.has_root = true;
	guest->target.root = guest->task[1].root;
	system = open_system(guest);
	assert_true(system->layout.consensus);
	ws_system_close(system);
	guest_destroy(guest);
}

/* ---- encrypted memory -------------------------------------------------------------- */

static enum ws_status open_encrypted(void **state, unsigned bit, uint64_t cr3_bits,
				     bool reported)
{
	struct guest *guest = guest_create(kind_of(state));
	char *text = (char *)guest->memory + guest->vmcoreinfo;
	struct ws_system *system;
	enum ws_status status;

	guest_encrypt(guest, UINT64_C(1) << bit);
	if (reported)
		snprintf(text + strlen(text), 64, "NUMBER(sme_mask)=%ld\n", 1l << bit);
	else
		forget_vmcoreinfo(guest);
	guest_set_cr3(guest, guest->task[1].root | cr3_bits);
	status = ws_system_open(&guest->target, NULL, &system);
	if (status == WS_OK) {
		expect_init_mm(system, guest);
		expect_image(system, guest);
		assert_int_equal(system->tasks.n, guest->ntasks);
		assert_int_equal(system->layout.pti, guest->kind->pti);
		assert_int_equal(system->encryption.bit, UINT64_C(1) << bit);
		ws_system_close(system);
	} else {
		assert_non_null(strstr(ws_error(guest->target.ctx, 0),
				       "no candidate root is a usable"));
	}
	guest_destroy(guest);
	return status;
}

static void encrypted_memory_by_its_cr3(void **state)
{
	static const unsigned bits[] = { 32, 47, 51 };

	for (size_t i = 0; i < WS_ARRAY_SIZE(bits); i++)
		assert_int_equal(
			open_encrypted(state, bits[i], UINT64_C(1) << bits[i], false),
			WS_OK);
}

static void encrypted_memory_by_vmcoreinfo(void **state)
{
	static const unsigned bits[] = { 32, 47, 51 };

	for (size_t i = 0; i < WS_ARRAY_SIZE(bits); i++)
		assert_int_equal(open_encrypted(state, bits[i], 0, true), WS_OK);
}

/* Below 4 GiB there is memory; and two such bits are no C bit. */
static void what_is_no_c_bit(void **state)
{
	assert_int_equal(open_encrypted(state, 31, 1u << 31, false), WS_ERR_NOT_FOUND);
	assert_int_equal(open_encrypted(state, 47, UINT64_C(3) << 46, false),
			 WS_ERR_NOT_FOUND);
}

#define LARGE_PAGE (UINT64_C(1) << 21)
#define SHARED_FIRST (UINT64_C(64) << 20) /* beyond the guest's memory */

/* pa of the direct map's PDE for pa. */
static uint64_t direct_pde(const struct guest *guest, uint64_t pa)
{
	uint64_t va = guest->kind->page_offset + pa, table = guest->swapper;

	for (unsigned l = 0, shift = 12 + 9 * (guest->kind->format->nlevels - 1);
	     l < guest->kind->format->nlevels - 2u; l++, shift -= 9)
		table = guest_get(guest, table + (va >> shift & 511) * 8) &
			UINT64_C(0x000ffffffffff000);
	return table + (va >> 21 & 511) * 8;
}

/* The direct map has so many large pages of shared memory; what a walk to one ends at. */
static uint64_t open_shared(void **state, unsigned bit, unsigned n)
{
	struct guest *guest = guest_create(kind_of(state));
	uint64_t found, va = guest->kind->page_offset + SHARED_FIRST + 0x123;
	struct ws_system *system;
	struct ws_trail trail;

	for (unsigned i = 0; i < n; i++) {
		uint64_t pa = SHARED_FIRST + i * LARGE_PAGE;

		guest_put(guest, direct_pde(guest, pa), pa | UINT64_C(1) << bit | 0xe3);
	}
	system = open_system(guest);
	ws_walk(&system->paging, system->layout.reference, va, &trail);
	assert_int_equal(trail.end, WS_END_PAGE);
	assert_int_equal(trail.pa & (LARGE_PAGE - 1), 0x123);
	found = system->encryption.bit;
	assert_int_equal(trail.pa,
			 SHARED_FIRST + 0x123 + (found ? 0 : UINT64_C(1) << bit));
	if (found)
		assert_string_equal(system->encryption.name, "shared");
	ws_system_close(system);
	guest_destroy(guest);
	return found;
}

static void shared_memory_by_the_direct_map(void **state)
{
	assert_int_equal(open_shared(state, 47, 8), UINT64_C(1) << 47);
	assert_int_equal(open_shared(state, 51, 8), UINT64_C(1) << 51);
	assert_int_equal(open_shared(state, 47, 7), 0);  /* as if so many had flipped */
	assert_int_equal(open_shared(state, 46, 31), 0); /* of no processor's */
}

/* ---- captures ---------------------------------------------------------------------- */

/* Registers from which a reader of the capture can say the format. */
static void set_registers(struct guest *guest, uint64_t cr3)
{
	const struct ws_format *format = guest->kind->format;

	guest_set_cr3(guest, cr3);
	guest->target.cpus.v[0].reg[X86_CR4] = format->entry_log2 == 3 ? 0x20 : 0x10;
	if (format == &ws_format_x86_64_la57)
		guest->target.cpus.v[0].reg[X86_CR4] |= 1u << 12;
	guest->target.word = guest->word;
}

/* Opened without a word of advice, a capture answers as the guest did. */
static void expect_same_of_capture(struct guest *guest)
{
	struct ws_system *system = open_system(guest), *again;
	char path[] = "/tmp/whosees-capture-XXXXXX";
	ws_autoclose int fd = mkstemp(path);
	struct ws_target *target;

	assert_true(fd >= 0);
	assert_int_equal(ws_capture(system, path), WS_OK);
	assert_int_equal(ws_target_open(guest->target.ctx, path, NULL, &target), WS_OK);
	unlink(path);
	assert_int_equal(ws_system_open(target, NULL, &again), WS_OK);
	assert_int_equal(again->layout.consensus, system->layout.consensus);
	assert_int_equal(again->layout.reference, system->layout.reference);
	assert_int_equal(again->layout.image_first, system->layout.image_first);
	assert_int_equal(again->layout.image_last, system->layout.image_last);
	assert_int_equal(again->layout.pti, system->layout.pti);
	assert_int_equal(again->spaces.n, system->spaces.n);
	for (unsigned i = 0; ws_system_note(system, i); i++)
		if (!strstr(ws_system_note(system, i), "VMCOREINFO"))
			assert_true(has_note(again, ws_system_note(system, i)));
	ws_system_close(again);
	ws_target_close(target);
	ws_system_close(system);
	guest_destroy(guest);
}

/* What points at init_mm's table is in it too. */
static void a_capture_without_vmcoreinfo(void **state)
{
	struct guest *guest = guest_create(kind_of(state));

	forget_vmcoreinfo(guest);
	set_registers(guest, guest->task[1].root);
	expect_same_of_capture(guest);
}

/* And what points at two that may be it. */
static void a_capture_in_doubt(void **state)
{
	struct guest *guest = guest_create(kind_of(state));
	uint64_t other = guest->swapper + 0x40000;

	forget_vmcoreinfo(guest);
	memcpy(guest->memory + other, guest->memory + guest->freed, WS_FRAME_SIZE);
	guest_put(guest, guest->swapper + 0x10000,
		  guest->kind->image + (other - guest->image_pa));
	set_registers(guest, guest->task[1].root);
	expect_same_of_capture(guest);
}

/* A root was given, for the registers lead nowhere; init_mm's, or a process's. */
static void a_capture_by_a_given_root(void **state)
{
	for (unsigned process = 0; process < 2; process++) {
		struct guest *guest = guest_create(kind_of(state));

		forget_vmcoreinfo(guest);
		forget_init_mm(guest);
		set_registers(guest, 12u << 20);
		guest->target.has_root = true;
		guest->target.root = process ? guest->task[1].root : guest->swapper;
		expect_same_of_capture(guest);
	}
}

/* ---- no Linux ---------------------------------------------------------------------- */

/* Page tables, processes and a loaded CR3, but nothing that Linux has. */
static struct guest *foreign_guest(void **state)
{
	struct guest *guest = guest_create(kind_of(state));

	forget_vmcoreinfo(guest);
	memset(guest->memory + guest->resources, 0, 0x80);
	memset(guest->memory + guest_pa(guest, guest->task[0].comm_va), 'x', 9);
	for (unsigned i = 0; i < guest->ntasks; i++)
		if (guest->task[i].root)
			guest_put(guest,
				  guest_pa(guest, guest->task[i].mm) + GUEST_PGD_OFFSET,
				  0);
	guest_set_cr3(guest, guest->task[1].root);
	return guest;
}

static void expect_refusal(struct guest *guest, const char *why)
{
	struct ws_system *system;

	assert_int_equal(ws_system_open(&guest->target, NULL, &system), WS_ERR_NOT_FOUND);
	assert_non_null(strstr(ws_error(guest->target.ctx, 0), why));
	guest_destroy(guest);
}

static void another_system_is_refused(void **state)
{
	expect_refusal(foreign_guest(state), "nothing shows that this is Linux");
}

/* Each piece of evidence alone is enough. */
static void linux_is_known_by_its_resources(void **state)
{
	struct guest *guest = foreign_guest(state), *whole = guest_create(kind_of(state));
	struct ws_system *system;

	memcpy(guest->memory + guest->resources, whole->memory + guest->resources, 0x80);
	system = open_system(guest);
	assert_int_equal(system->tasks.n, 0);
	assert_true(count_kind(system, WS_SPACE_UNOWNED) > 0);
	ws_system_close(system);
	guest_destroy(whole);
	guest_destroy(guest);
}

static void linux_is_known_by_vmcoreinfo(void **state)
{
	struct guest *guest = foreign_guest(state), *whole = guest_create(kind_of(state));
	struct ws_system *system;

	memcpy(guest->memory + guest->vmcoreinfo, whole->memory + guest->vmcoreinfo,
	       WS_FRAME_SIZE);
	system = open_system(guest);
	assert_int_equal(system->tasks.n, 0);
	assert_true(count_kind(system, WS_SPACE_UNOWNED) > 0);
	ws_system_close(system);
	guest_destroy(whole);
	guest_destroy(guest);
}

static void linux_is_known_by_its_tasks(void **state)
{
	struct guest *guest = foreign_guest(state);
	struct ws_system *system;

	memcpy(guest->memory + guest_pa(guest, guest->task[0].comm_va), "swapper/0", 9);
	system = open_system(guest);
	assert_int_equal(system->tasks.n, guest->ntasks);
	ws_system_close(system);
	guest_destroy(guest);
}

/* VMCOREINFO and init_mm are there, and no process yet. */
static void a_kernel_that_has_just_begun_is_refused(void **state)
{
	struct guest *guest = guest_create(kind_of(state));
	uint64_t list = guest_pa(guest, guest->task[0].comm_va + GUEST_TASKS_OFFSET);

	for (uint64_t pa = 1u << 20; pa < guest->next_frame; pa += WS_FRAME_SIZE)
		for (unsigned i = 0; i < guest->ntasks; i++)
			if (guest->task[i].root == pa)
				memset(guest->memory + pa, 0, 2 * WS_FRAME_SIZE);
	memset(guest->memory + guest->kept, 0, WS_FRAME_SIZE);
	guest_put(guest, list, guest->task[0].comm_va + GUEST_TASKS_OFFSET);
	guest_put(guest, list + guest->word, guest->task[0].comm_va + GUEST_TASKS_OFFSET);
	guest_set_cr3(guest, guest->swapper);
	expect_refusal(guest, "neither a process nor a page table of one");
}

/* No process yet, but the kernel's threads: init_mm is all that there is, if it is known. */
static void threads_of_the_kernel_alone(void **state)
{
	for (unsigned known = 0; known < 2; known++) {
		struct guest *guest = guest_create(kind_of(state));
		struct ws_system *system;

		for (unsigned i = 0; i < guest->ntasks; i++) {
			uint64_t mm =
				guest_pa(guest, guest->task[i].comm_va) + GUEST_MM_OFFSET;

			guest_put(guest, mm, 0);
			guest_put(guest, mm + guest->word, 0);
			if (guest->task[i].root)
				memset(guest->memory + guest->task[i].root, 0,
				       2 * WS_FRAME_SIZE);
		}
		guest_map(guest, guest->kept, 0x08048000, 0, 0);
		guest_set_cr3(guest, guest->kept);
		if (known) {
			system = open_system(guest);
			expect_init_mm(system, guest);
			assert_true(has_note(system, "only threads of the kernel"));
			ws_system_close(system);
			guest_destroy(guest);
		} else {
			forget_vmcoreinfo(guest);
			forget_init_mm(guest);
			expect_refusal(guest, "neither a process nor a page table");
		}
	}
}

/* A loader: no paging, and so no address spaces. */
static void a_machine_without_paging_is_refused(void **state)
{
	struct guest *guest = guest_create(kind_of(state));

	memset(guest->memory, 0, GUEST_MEMORY);
	guest_set_cr3(guest, 0);
	guest->target.cpus.v[0].reg[X86_CR0] = 0;
	guest->target.format = NULL;
	expect_refusal(guest, "no processor has paging on");
}

/* poking_mm: a table below its user half, and no page in it. The others are gone. */
static void a_root_without_user_pages_is_nobodys(void **state)
{
	for (unsigned page = 0; page < 2; page++) {
		struct guest *guest = foreign_guest(state);
		struct guest *whole = guest_create(kind_of(state));
		struct ws_system *system;

		memcpy(guest->memory + guest->resources, whole->memory + guest->resources,
		       0x80);
		for (unsigned i = 0; i < guest->ntasks; i++)
			if (guest->task[i].root)
				memset(guest->memory + guest->task[i].root, 0,
				       2 * WS_FRAME_SIZE);
		if (page) /* P, R/W and U/S */
			guest_map(guest, guest->kept, 0x08048000, 12u << 20, 7);
		guest_set_cr3(guest, guest->swapper);
		if (page) {
			system = open_system(guest);
			expect_init_mm(system, guest);
			ws_system_close(system);
			guest_destroy(guest);
		} else {
			expect_refusal(guest, "neither a process nor a page table");
		}
		guest_destroy(whole);
	}
}

/* ---- all kinds x all cases --------------------------------------------------------- */

static const struct guest_case cases[] = {
	{ "a note gives way to the text that fits",
	  note_gives_way_to_the_text_that_fits },
	{ "a note of another boot alone", note_of_another_boot_alone_is_left },
	{ "a note of another boot says no format",
	  note_of_another_boot_alone_tells_no_format },
	{ "a note of another release", note_of_another_release_is_left },
	{ "a note and a damaged table", note_outlives_a_damaged_table },
	{ "a note that cannot be checked", note_that_cannot_be_checked_is_kept },
	{ "a note refuted by its text", note_is_refuted_by_its_text },
	{ "a table behind init_mm's", a_table_behind_init_mms_is_no_user_half },
	{ "half of the user halves", more_than_half_of_the_roots_show_isolation,
	  GUEST_PTI },
	{ "halves without the kernel", halves_without_the_kernel_are_none },
	{ "the image by resources", image_by_the_kernels_own_resources },
	{ "the image by old resources", image_by_old_resources },
	{ "a freed mm behind the image", a_freed_mm_behind_the_image_does_not_confuse },
	{ "two tables that may be init_mm's", two_tables_that_may_be_init_mms },
	{ "resources elsewhere", resources_elsewhere_are_no_image },
	{ "the image by a map", image_and_init_mm_by_a_map },
	{ "init_mm by a map alone", init_mm_by_a_map_alone },
	{ "a map and hooked gates", a_hooked_gate_does_not_refute_a_map },
	{ "a map by contents alone", a_map_by_contents },
	{ "a map of another build", a_map_of_another_build_is_refused },
	{ "a given root is init_mm's", a_given_root_is_init_mms },
	{ "a given root of a process", a_given_root_of_a_process_is_not },
	{ "encrypted memory by its CR3", encrypted_memory_by_its_cr3, GUEST_64_BITS },
	{ "encrypted memory by VMCOREINFO", encrypted_memory_by_vmcoreinfo,
	  GUEST_64_BITS },
	{ "what is no C bit", what_is_no_c_bit, GUEST_64_BITS },
	{ "shared memory by the direct map", shared_memory_by_the_direct_map,
	  GUEST_64_BITS },
	{ "a capture without VMCOREINFO", a_capture_without_vmcoreinfo },
	{ "a capture in doubt", a_capture_in_doubt },
	{ "a capture by a given root", a_capture_by_a_given_root },
	{ "another system", another_system_is_refused },
	{ "Linux by its resources", linux_is_known_by_its_resources },
	{ "Linux by VMCOREINFO", linux_is_known_by_vmcoreinfo },
	{ "Linux by its tasks", linux_is_known_by_its_tasks },
	{ "threads of the kernel alone", threads_of_the_kernel_alone },
	{ "a machine without paging", a_machine_without_paging_is_refused },
	{ "a root without user pages", a_root_without_user_pages_is_nobodys },
	{ "a kernel that has just begun", a_kernel_that_has_just_begun_is_refused },
};

int main(void)
{
	return guest_run_cases("evidence", cases, WS_ARRAY_SIZE(cases));
}
