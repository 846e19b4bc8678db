/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What a guest tells of its phases, and QEMU's TCG to run it. */
#include "emulators.h"

#include "util/cleanup.h"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>

#define QEMU "qemu-system-i386"
#define PATIENCE 60000 /* milliseconds that a phase may take */

void emulation_hear(struct emulation *result, char byte, double seconds)
{
	switch (byte) {
	case SPEED_OBEYS:
		result->obeys = true;
		break;
	case SPEED_BEGIN:
		result->begun = seconds;
		break;
	case SPEED_END:
		if (result->done < SPEED_PHASES)
			result->seconds[result->done++] = seconds - result->begun;
		break;
	default:
		break;
	}
}

/* ---- QEMU ---- */

/* Its serial port is the pipe's end. Returns errno's kind of error. */
static int start_qemu(const char *guest, int serial, pid_t *pid)
{
	const char *const argv[] = { QEMU,
				     "-accel",
				     "tcg",
				     "-cpu",
				     "max",
				     "-m",
				     "256M",
				     "-nodefaults",
				     "-display",
				     "none",
				     "-net",
				     "none",
				     "-no-reboot",
				     "-serial",
				     "stdio",
				     "-device",
				     "isa-debug-exit,iobase=0xf4,iosize=4",
				     "-kernel",
				     guest,
				     NULL };
	posix_spawn_file_actions_t actions;
	int error;

	posix_spawn_file_actions_init(&actions);
	posix_spawn_file_actions_addopen(&actions, STDIN_FILENO, "/dev/null", O_RDONLY,
					 0);
	posix_spawn_file_actions_adddup2(&actions, serial, STDOUT_FILENO);
	error = posix_spawnp(pid, QEMU, &actions, NULL, (char *const *)argv, environ);
	posix_spawn_file_actions_destroy(&actions);
	return error;
}

/* What all threads of the process have computed. */
static double seconds_of(pid_t pid)
{
	struct timespec t = { 0 };
	clockid_t clock;

	if (clock_getcpuclockid(pid, &clock) == 0)
		clock_gettime(clock, &t);
	return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

static void listen(int serial, pid_t pid, struct emulation *result)
{
	struct pollfd end = { .fd = serial, .events = POLLIN };
	char byte;

	while (poll(&end, 1, PATIENCE) == 1 && read(serial, &byte, 1) == 1)
		emulation_hear(result, byte, seconds_of(pid));
}

void emulate_by_qemu(const char *guest, struct emulation *result)
{
	ws_autoclose int read_end = -1;
	int ends[2], error;
	pid_t pid;

	*result = (struct emulation){ .reason = "the guest did not finish" };
	if (pipe2(ends, O_CLOEXEC) < 0) {
		snprintf(result->reason, sizeof(result->reason), "no pipe");
		return;
	}
	read_end = ends[0];
	error = start_qemu(guest, ends[1], &pid);
	close(ends[1]);
	if (error) {
		snprintf(result->reason, sizeof(result->reason), "%s: %s", QEMU,
			 strerror(error));
		return;
	}
	listen(read_end, pid, result);
	kill(pid, SIGKILL); /* it has ended, or is stuck */
	waitpid(pid, NULL, 0);
}
