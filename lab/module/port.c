// SPDX-License-Identifier: GPL-2.0
/*
 * The two ports of the guest's machine on which it speaks to the host and waits for it,
 * used by polling: nothing of the kernel's moves for it, and all CPUs may be stopped.
 *
 * A PC has them where ISA devices lie: -device isa-debugcon, and a 16550 as COM2. The
 * machines of other architectures have a 16550 with two ports on PCI, -device
 * pci-serial-2x.
 */
#include <linux/errno.h>
#include <linux/io.h>
#include <linux/pci.h>

#include "lab.h"

/* Of a 16550: its line status, that a byte is there, that another can be taken. */
#define STATUS 5
#define IS_THERE 0x01
#define IS_EMPTY 0x20
#define NO_DEVICE 0xff

#ifdef CONFIG_X86
#define DEBUG_PORT 0xe9
#define COM2 0x2f8

static const unsigned long host = COM2;

int open_ports(void)
{
	return 0;
}

void close_ports(void)
{
}

void say_bytes(const char *bytes, size_t size)
{
	outsb(DEBUG_PORT, bytes, size);
}

void say_text(const char *text, size_t size)
{
	say_bytes(text, size);
}
#else
/* QEMU's docs/specs/pci-serial.rst */
#define PCI_SERIAL_2X 0x0003
#define PORT_SIZE 8
#define SHORT 128

static struct pci_dev *serial;
static unsigned long debug, host;

int open_ports(void)
{
	int error;

	serial = pci_get_device(PCI_VENDOR_ID_REDHAT, PCI_SERIAL_2X, NULL);
	if (!serial)
		return -ENODEV;
	error = pci_enable_device(serial);
	if (error) {
		pci_dev_put(serial);
		return error;
	}
	debug = pci_resource_start(serial, 0);
	host = debug + PORT_SIZE;
	return 0;
}

void close_ports(void)
{
	pci_dev_put(serial);
}

void say_bytes(const char *bytes, size_t size)
{
	for (; size; size--) {
		while (!(inb(debug + STATUS) & IS_EMPTY))
			;
		outb(*bytes++, debug);
	}
}

/*
 * A 16550 takes its time over each byte: the host fetches what is long from memory. Only
 * whole lines are so long.
 */
void say_text(const char *text, size_t size)
{
	if (size <= SHORT) {
		say_bytes(text, size);
		return;
	}
	say("@memory %llx %zx\n", (u64)virt_to_phys(text), size);
	wait_for_host();
}
#endif

/* Until the host is through with the dump; for ever where nothing can be heard of it. */
void wait_for_host(void)
{
	u8 status;

	do
		status = inb(host + STATUS);
	while (status == NO_DEVICE || !(status & IS_THERE));
	inb(host);
}
