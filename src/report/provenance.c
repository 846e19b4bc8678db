/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The file's name, size and SHA-256 (nettle's), the kernel's release, and the two times. */
#include "report/provenance.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <nettle/sha2.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "util/cleanup.h"

#define BLOCK ((size_t)1 << 20)

/* ---- times ------------------------------------------------------------------------ */

/* A year has four digits on a page: what is later, or before 1970, was never written. */
#define TIME_MAX INT64_C(253402300799)

/* False for what cannot be a time. */
static bool time_words(int64_t seconds, char words[static TIME_WORDS])
{
	time_t time = (time_t)seconds;
	struct tm tm;

	words[0] = '\0';
	return seconds > 0 && seconds <= TIME_MAX && gmtime_r(&time, &tm) &&
	       strftime(words, TIME_WORDS, "%Y-%m-%d %H:%M:%S UTC", &tm);
}

/* Digits up to the end of text or of its line; 0: nothing that makes sense. */
static int64_t seconds_in(const char *text)
{
	char *end;
	int64_t seconds;

	errno = 0;
	seconds = strtoll(text, &end, 10);
	return errno || end == text || (*end && *end != '\n') ? 0 : seconds;
}

/* https://reproducible-builds.org/specs/source-date-epoch */
static void note_run(struct provenance *provenance)
{
	const char *epoch = getenv("SOURCE_DATE_EPOCH");

	if (!epoch || !time_words(seconds_in(epoch), provenance->made))
		time_words(time(NULL), provenance->made);
}

const char *kernel_release(const struct ws_system *system,
			   char release[static RELEASE_WORDS])
{
	static const char key[] = "OSRELEASE=";
	const char *info = ws_system_vmcoreinfo(system);
	const char *line = info ? strstr(info, key) : NULL;

	if (!line)
		return NULL;
	line += sizeof(key) - 1;
	snprintf(release, RELEASE_WORDS, "%.*s", (int)strcspn(line, "\n"), line);
	return release;
}

/* The kernel appends it as it dies (crash_save_vmcoreinfo()). */
static int64_t crash_time(const struct ws_system *system)
{
	static const char key[] = "CRASHTIME=";
	const char *line = ws_system_vmcoreinfo(system);

	while (line && strncmp(line, key, sizeof(key) - 1) != 0) {
		line = strchr(line, '\n');
		line = line ? line + 1 : NULL;
	}
	return line ? seconds_in(line + sizeof(key) - 1) : 0;
}

/* modified: 0 where there is no file. */
static void note_taken(struct provenance *provenance, const struct ws_system *system,
		       int64_t modified)
{
	int64_t times[TAKEN_UNKNOWN] = {
		[TAKEN_CRASHTIME] = crash_time(system), [TAKEN_MODIFIED] = modified
	};

	(void)!ws_target_taken(ws_system_target(system), &times[TAKEN_HEADER]);
	for (unsigned by = 0; by < TAKEN_UNKNOWN; by++)
		if (time_words(times[by], provenance->taken)) {
			provenance->taken_by = by;
			return;
		}
	provenance->taken_by = TAKEN_UNKNOWN;
}

const char *provenance_taken_words(enum taken_by taken_by)
{
	static const char *const words[] = {
		[TAKEN_CRASHTIME] = "Crashed",
		[TAKEN_HEADER] = "Dumped",
		[TAKEN_MODIFIED] = "File last modified",
		[TAKEN_UNKNOWN] = NULL,
	};

	return words[taken_by];
}

/* ---- the hash --------------------------------------------------------------------- */

/* Why the file could not be read to its end, or NULL. */
static const char *hash_file(const struct provenance_of *of, int fd, uint64_t size,
			     struct sha256_ctx *hash, uint8_t *block)
{
	uint64_t done = 0;
	ssize_t n;

	while ((n = read(fd, block, BLOCK)) != 0) {
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return strerror(errno);
		sha256_update(hash, (size_t)n, block);
		done += (size_t)n;
		if (of->progress && done <= size)
			of->progress(of->progress_arg, "hash of the file",
				     (double)done / (double)size);
	}
	return NULL;
}

static void finish_hash(struct sha256_ctx *hash, char hex[static 65])
{
	uint8_t bytes[SHA256_DIGEST_SIZE];

	sha256_digest(hash, sizeof(bytes), bytes);
	for (size_t i = 0; i < sizeof(bytes); i++)
		snprintf(hex + 2 * i, 3, "%02x", bytes[i]);
}

/* False: memory is short. */
static bool note_hash(struct provenance *provenance, const struct provenance_of *of,
		      int fd)
{
	ws_autofree uint8_t *block = malloc(BLOCK);
	struct sha256_ctx hash;

	if (!block)
		return false;
	sha256_init(&hash);
	provenance->no_hash = hash_file(of, fd, provenance->size, &hash, block);
	if (!provenance->no_hash)
		finish_hash(&hash, provenance->sha256);
	return true;
}

/* ---- all of it -------------------------------------------------------------------- */

static bool note_file(struct provenance *provenance, const struct provenance_of *of,
		      const char *path, int fd, const struct stat *stat)
{
	provenance->file = strdup(basename(path));
	provenance->size = (uint64_t)stat->st_size;
	return provenance->file && note_hash(provenance, of, fd);
}

bool provenance_make(struct provenance *provenance, const struct provenance_of *of)
{
	const struct ws_system *system = of->system;
	const struct ws_target *target = ws_system_target(system);
	const char *path = ws_target_path(target);
	/* "-" is standard input, which is gone. */
	bool no_file = ws_target_is_named(path) || !strcmp(path, "-");
	int fd = no_file ? -1 : open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	struct stat stat = { 0 };
	bool is_file = fd >= 0 && !fstat(fd, &stat) && S_ISREG(stat.st_mode);
	bool made;

	*provenance = (struct provenance){ 0 };
	note_run(provenance);
	note_taken(provenance, system, is_file ? stat.st_mtime : 0);
	made = !is_file || note_file(provenance, of, path, fd, &stat);
	if (fd >= 0)
		close(fd);
	return made;
}

void provenance_release(struct provenance *provenance)
{
	free(provenance->file);
	*provenance = (struct provenance){ 0 };
}
