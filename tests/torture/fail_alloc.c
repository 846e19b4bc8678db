/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * A library to be preloaded: one allocation of the program fails, the one whose number is
 * in WS_FAIL_AT (the first is 1; 0: none). Behind it are malloc() and its family, so all
 * that the C library allocates by them too (strdup(), asprintf(), open_memstream(), FILEs),
 * mmap() and pthread_create().
 *
 * WS_FAIL_LOG names a file for the calls that led to the allocation that failed, or to each
 * of them where none does: lines "module BASE PATH" first, then "calls ADDRESS...".
 *
 * Threads run one after the other, so that a number means the same allocation in every run.
 */
#include <dlfcn.h>
#include <errno.h>
#include <execinfo.h>
#include <fcntl.h>
#include <link.h>
#include <pthread.h>
#include <semaphore.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#define FRAMES_MAX 48
#define OWN_FRAMES 2 /* note() and who calls it */

extern void *__libc_malloc(size_t size);
extern void *__libc_calloc(size_t n, size_t size);
extern void *__libc_realloc(void *old, size_t size);
extern void *__libc_memalign(size_t alignment, size_t size);

typedef int create_fn(pthread_t *, const pthread_attr_t *, void *(*)(void *), void *);
typedef void *mmap_fn(void *, size_t, int, int, int, off_t);

static unsigned long count, fail_at;
static create_fn *real_create;
static mmap_fn *real_mmap;
static bool ready;   /* before, nothing is counted */
static bool logging; /* what that allocates is not counted either */

/* ---- the log ---- */

static int log_fd = -1;
static char text[1 << 16];
static size_t used;

static void flush(void)
{
	if (log_fd >= 0 && used)
		(void)!write(log_fd, text, used);
	used = 0;
}

static void put_calls(void)
{
	void *frame[FRAMES_MAX];
	int n = backtrace(frame, FRAMES_MAX);

	if (used + 20 * (FRAMES_MAX + 1) > sizeof(text))
		flush();
	used += (size_t)sprintf(text + used, "calls");
	for (int i = OWN_FRAMES; i < n; i++)
		used += (size_t)sprintf(text + used, " %lx", (unsigned long)frame[i] - 1);
	text[used++] = '\n';
}

static int put_module(struct dl_phdr_info *info, size_t size, void *arg)
{
	(void)size, (void)arg;
	used += (size_t)snprintf(text + used, 4096, "module %lx %s\n", info->dlpi_addr,
				 *info->dlpi_name ? info->dlpi_name
						  : program_invocation_name);
	if (used > sizeof(text) - 4096)
		flush();
	return 0;
}

/* ---- which fails ---- */

/* Counts an allocation, and says whether it is the one. */
static __attribute__((noinline)) bool note(void)
{
	bool fails;

	if (!ready || logging)
		return false;
	fails = ++count == fail_at;
	if (log_fd >= 0 && (fails || !fail_at)) {
		logging = true;
		put_calls();
		logging = false;
	}
	if (fails) {
		flush();
		errno = ENOMEM;
	}
	return fails;
}

__attribute__((constructor)) static void begin(void)
{
	const char *at = getenv("WS_FAIL_AT"), *log = getenv("WS_FAIL_LOG");
	void *frame[FRAMES_MAX];

	fail_at = at ? strtoul(at, NULL, 10) : 0;
	if (log) {
		log_fd = open(log, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
		backtrace(frame, FRAMES_MAX); /* loads what it needs */
		dl_iterate_phdr(put_module, NULL);
	}
	real_create = (create_fn *)dlsym(RTLD_NEXT, "pthread_create");
	real_mmap = (mmap_fn *)dlsym(RTLD_NEXT, "mmap64");
	ready = true;
}

__attribute__((destructor)) static void end(void)
{
	ready = false;
	flush();
}

/* ---- what can fail ---- */

void *malloc(size_t size)
{
	return note() ? NULL : __libc_malloc(size);
}

void *calloc(size_t n, size_t size)
{
	return note() ? NULL : __libc_calloc(n, size);
}

void *realloc(void *old, size_t size)
{
	return note() ? NULL : __libc_realloc(old, size);
}

void *reallocarray(void *old, size_t n, size_t size)
{
	size_t all;

	if (__builtin_mul_overflow(n, size, &all)) {
		errno = ENOMEM;
		return NULL;
	}
	return note() ? NULL : __libc_realloc(old, all);
}

void *aligned_alloc(size_t alignment, size_t size)
{
	return note() ? NULL : __libc_memalign(alignment, size);
}

int posix_memalign(void **out, size_t alignment, size_t size)
{
	void *memory = note() ? NULL : __libc_memalign(alignment, size);

	if (!memory)
		return ENOMEM;
	*out = memory;
	return 0;
}

/* With offsets of 64 bits, as everything here is built, this is mmap64() to the linker. */
void *mmap(void *at, size_t size, int prot, int flags, int fd, off_t offset)
{
	if (!real_mmap)
		real_mmap = (mmap_fn *)dlsym(RTLD_NEXT, "mmap64");
	return note() ? MAP_FAILED : real_mmap(at, size, prot, flags, fd, offset);
}

/* ---- threads, one after the other ---- */

struct thread {
	void *(*run)(void *);
	void *arg;
	sem_t done;
};

static void *run_thread(void *arg)
{
	struct thread *thread = arg;
	void *result = thread->run(thread->arg);

	sem_post(&thread->done);
	return result;
}

int pthread_create(pthread_t *thread, const pthread_attr_t *attributes,
		   void *(*run)(void *), void *arg)
{
	struct thread started = { .run = run, .arg = arg };
	int error;

	if (note())
		return EAGAIN;
	sem_init(&started.done, 0, 0);
	logging = true; /* glibc allocates for a thread what it likes */
	error = real_create(thread, attributes, run_thread, &started);
	logging = false;
	if (!error)
		sem_wait(&started.done);
	sem_destroy(&started.done);
	return error;
}
