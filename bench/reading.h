/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What this machine takes to read a file: the measure that opening it is held to. */
#ifndef BENCH_READING_H
#define BENCH_READING_H

/*
 * Seconds for all that is in no hole, in blocks of 256 KiB into one buffer a thread, by as
 * many threads as the library has. A file that cannot be read takes none.
 */
double bench_reading_seconds(const char *path);

#endif
