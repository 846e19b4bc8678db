/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The device by which the kernel that runs here is asked (module/whosees_uapi.h). */
#include "target/kernel_device.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "module/whosees_uapi.h"

static const char *why_not_open(void)
{
	if (errno == ENOENT || errno == ENXIO || errno == ENODEV)
		return NULL; /* no module is loaded: the usual */
	return errno == EPERM ? WS_KERNEL_REFUSES : strerror(errno);
}

int ws_kernel_device_open(int access, uint32_t *flags, const char **why)
{
	struct whosees_about about = { 0 };
	int fd = open(WS_KERNEL_DEVICE, access | O_CLOEXEC);

	if (fd < 0) {
		*why = why_not_open();
		return -1;
	}
	*flags = 0;
	if (ioctl(fd, WHOSEES_ABOUT, &about))
		*why = strerror(errno);
	else if (about.version != WHOSEES_VERSION)
		*why = "the module that is loaded is of another version than this "
		       "whosees: build both anew";
	else {
		*flags = about.flags;
		return fd;
	}
	close(fd);
	return -1;
}
