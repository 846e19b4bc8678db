/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "outputs.h"

#include <inttypes.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "terminal.h"
#include "util/cleanup.h"
#include "util/whole.h"

/* The path in "sim:./SCRIPT"; NULL for a scenario that is built in. */
static const char *file_of_target(const char *target)
{
	const char *path = ws_target_is_named(target) ? strchr(target, ':') : NULL;

	if (!ws_target_is_named(target))
		return target;
	return path && strchr(path, '/') ? path + 1 : NULL;
}

static bool replaces(const char *output, const char *input)
{
	return input && ws_whole_replaces(output, input);
}

/* The file that a word names, and what that is to the command; NULL: it names none. */
static const char *file_of_word(const struct request *request, size_t i,
				const char **what)
{
	const char *word = request->words[i];

	if (*word == '@') {
		*what = "list";
		return word + 1;
	}
	*what = i == 0 ? request->command->first_word : NULL;
	if (!*what)
		return NULL;
	if (request->command->options & OPTIONS_SAVE) /* a scenario, as sim: has it */
		return strchr(word, '/') ? word : NULL;
	return file_of_target(word);
}

/* The file among the words that output would replace, and what it is; NULL: none. */
static const char *replaced_word(const struct request *request, const char *output,
				 const char **what)
{
	for (size_t i = 0; i < request->nwords; i++) {
		const char *file = file_of_word(request, i, what);

		if (replaces(output, file))
			return file;
	}
	return NULL;
}

/* The same of all that the request reads. */
static const char *replaced_input(const struct request *request, const char *output,
				  const char **what)
{
	const struct {
		const char *path, *what;
	} inputs[] = {
		{ request->target ? file_of_target(request->target) : NULL, "target" },
		{ request->system_options.system_map, "system map" },
		{ request->system_options.vmlinux, "vmlinux" },
	};

	for (size_t i = 0; i < sizeof(inputs) / sizeof(*inputs); i++) {
		*what = inputs[i].what;
		if (replaces(output, inputs[i].path))
			return inputs[i].path;
	}
	return replaced_word(request, output, what);
}

static enum exit_status check_output(struct session *session, const char *output)
{
	const char *what, *input = replaced_input(session->request, output, &what);

	if (!input)
		return EXIT_SEEN;
	return session_usage(session, NULL,
			     "%s: an output cannot replace an input, here the %s %s",
			     ws_whole_name(output), what, input);
}

static enum exit_status check_terminal(struct session *session)
{
	ws_autofree char *why = terminal_unfit();

	if (!why)
		return EXIT_SEEN;
	return session_usage(session,
			     "without --top watch prints what changes, a line each", "%s",
			     why);
}

enum exit_status outputs_check(struct session *session)
{
	const struct request *request = session->request;
	const char *const outputs[] = { "-", request->output, request->save,
					request->history, request->prometheus };
	enum exit_status status = EXIT_SEEN;

	for (size_t i = 0; i < sizeof(outputs) / sizeof(*outputs); i++)
		if (status == EXIT_SEEN && outputs[i])
			status = check_output(session, outputs[i]);
	if (status == EXIT_SEEN && request->output &&
	    ws_whole_is_standard(request->output) && isatty(STDOUT_FILENO))
		return session_usage(session, "name a FILE, or send it on with |",
				     "standard output is a terminal, and this is not "
				     "to be read there");
	return status == EXIT_SEEN && request->top ? check_terminal(session) : status;
}

void outputs_wrote(struct session *session, const char *path)
{
	struct stat st;

	progress_clear(&session->progress);
	if (!ws_whole_is_standard(path) && stat(path, &st) == 0)
		printf("%s: %" PRIu64 " KiB\n", path,
		       ((uint64_t)st.st_size + 1023) / 1024);
}
