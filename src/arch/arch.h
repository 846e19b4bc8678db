/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * What the rest asks of an architecture: one struct each, in a folder of its own, and
 * src/arches.c lists them. Nobody else knows one by its name.
 */
#ifndef WS_ARCH_ARCH_H
#define WS_ARCH_ARCH_H

#include "arch/linux.h"
#include "arch/regime.h"
#include "paging/format.h"

struct ws_system;

/* ---- registers ---- */

/* Rows are in the order of the architecture's own enum, which numbers the registers. */
struct ws_register {
	const char *name; /* the manual's, in lower case; NULL: it has none in this mode,
			   * or is a part of the segment above */
	uint8_t group;    /* enum ws_register_group; a segment has four numbers: */
};
enum ws_segment_part {
	WS_SEGMENT_SELECTOR,
	WS_SEGMENT_LIMIT,
	WS_SEGMENT_FLAGS, /* as the second word of a descriptor */
	WS_SEGMENT_BASE,
	WS_SEGMENT_PARTS
};

#define WS_REGISTERS_MAX 96

/* One processor as the target kept it. */
struct ws_cpu {
	const struct ws_arch *arch;
	uint8_t word;                   /* sizeof(long) of the kernel: 4 or 8 */
	uint64_t reg[WS_REGISTERS_MAX]; /* by number; 0 where it is not known */
	uint64_t known[WS_REGISTERS_MAX / 64 + 1]; /* a bit per number */
};

/* Sets the register with that name; false: the architecture has none. */
bool ws_cpu_set_register(struct ws_cpu *cpu, const char *name, uint64_t value);

/*
 * The number of the register that a manual or a machine monitor calls so, in small letters;
 * false: the architecture has none.
 */
bool ws_cpu_find_register(const struct ws_cpu *cpu, const char *name, unsigned *number);
/* Whether that is a segment's selector, with its other parts behind it. */
bool ws_cpu_is_segment(const struct ws_cpu *cpu, unsigned number);

static inline bool ws_cpu_knows(const struct ws_cpu *cpu, unsigned number)
{
	return cpu->known[number / 64] >> number % 64 & 1;
}

static inline void ws_cpu_set(struct ws_cpu *cpu, unsigned number, uint64_t value)
{
	cpu->reg[number] = value;
	cpu->known[number / 64] |= WS_BIT(number % 64);
}

/* ---- dumps ---- */

/* A machine of the architecture, as files name it, and the size of a long there. */
struct ws_machine_type {
	uint16_t elf; /* EM_* */
	uint8_t word;
	const char *name;   /* for messages */
	const char *uts[5]; /* what uname() calls it; ends with NULL */
};

/* struct elf_prstatus: its size differs from any other. */
struct ws_prstatus {
	uint16_t size, registers; /* of all, and where pr_reg begins */
	uint8_t word;
	uint8_t index
		[WS_REGISTERS_MAX]; /* a register's place in pr_reg, plus 1; 0: none */
};

/* Of eight registers in a row, from the table's first on, which pr_reg has in that order. */
#define WS_IN_PLACE_8(first)                                      \
	[(first)] = (first) + 1, [(first) + 1] = (first) + 2,     \
	[(first) + 2] = (first) + 3, [(first) + 3] = (first) + 4, \
	[(first) + 4] = (first) + 5, [(first) + 5] = (first) + 6, \
	[(first) + 6] = (first) + 7, [(first) + 7] = (first) + 8

/* QEMU's own note on a processor, where the architecture has one. */
struct ws_qemu_note {
	uint32_t version;
	size_t size;      /* that a note of this version has at least */
	uint32_t written; /* and that ours has */
	void (*read)(struct ws_cpu *cpu, const uint8_t *note);
	/* False: not all that a note has is known of it. */
	bool (*write)(const struct ws_cpu *cpu, uint8_t *note);
};

/* Memory that the firmware told the kernel of as usable: in order, none twice. */
#define WS_RAM_MAX 128
struct ws_ram {
	unsigned n;
	struct ws_extent at[WS_RAM_MAX];
};

/* The firmware's memory map as the kernel keeps it, by which raw memory is placed. */
struct ws_ram_map {
	const char *magic; /* stands in each, */
	uint8_t len;       /* so long, */
	uint16_t magic_at; /* there; */
	uint16_t size;     /* and so long is what read looks at */
	/* False: it is none, or makes no sense. */
	bool (*read)(const uint8_t *map, struct ws_ram *ram);
};

/*
 * A processor as a machine monitor's own ELF note keeps it. read: false, and nothing is
 * known, where no processor has such registers: the note is damaged, or of another layout.
 */
struct ws_monitor_note {
	const char *name;
	uint32_t type;
	size_t size; /* that it has at least */
	bool (*read)(struct ws_cpu *cpu, const uint8_t *note);
};

/*
 * The structs in which KVM gives a processor to user space, and which some machine monitors
 * write by name: where each part of them lies, in all of them one after the other, and how
 * long it is. As bytes they are the monitor note "KVM".
 */
#define WS_KVM_SIZE_MAX 512
struct ws_kvm_part {
	const char *name;
	uint16_t offset, size;
	const struct ws_kvm_part *parts; /* ends with name NULL; NULL: it is a number */
};

/*
 * A register by the name that a machine monitor's description has for it; of those with an
 * index for each part, which. Parts are put together, each shifted so far.
 */
struct ws_monitor_register {
	const char *name;
	int16_t index; /* -1: it has none */
	uint8_t number, shift;
};

/*
 * A register in the state of a processor as QEMU's migration stream has it: a field that is
 * described there by that name; of an array which element, of a structure which member.
 */
struct ws_qemu_field {
	const char *name, *member; /* member: NULL if it is no structure */
	uint8_t index, number;
	bool optional; /* QEMU writes it, or not, as it was built */
	uint64_t
		key; /* of the element that has it among the state's keys; 0: index does */
};

/* QEMU's processors of an architecture. */
struct ws_qemu_state {
	const struct ws_qemu_field *fields; /* ends with name NULL */
	const char *keys; /* an array with a key for each element of another; or NULL */
	/* Of those that are described alike, whether it is one of these; NULL: yes. */
	bool (*is)(const struct ws_cpu *cpu);
};

/*
 * A machine that QEMU makes: where its memory lies, which the migration stream does not say.
 */
struct ws_qemu_machine {
	const char *type;  /* what the names of its types begin with */
	const char *block; /* what its memory is called */
	uint64_t base;     /* where it begins */
	/* Of split_from bytes or more no more than `low` lie below 4 GiB, and the rest from
	 * there on; 0: never. */
	uint64_t split_from, low;
	struct ws_extent hidden; /* behind what other devices show there */
};

/* ---- all of it ---- */

struct ws_arch_audit;
struct ws_arch_autopsy;

struct ws_arch {
	const char *name;
	const char *manual; /* "Intel SDM" */
	/* What it and Linux call the glossary's words; ends with word NULL. */
	const struct ws_term *terms;
	const struct ws_format *const *formats; /* ends with NULL */
	/* Linux on it, as src/linux asks; NULL: only its page tables are known. */
	const struct ws_arch_linux *on_linux;
	/* Of an architecture whose dumps are not known all that follows is NULL. */
	const struct ws_machine_type *machines;      /* ends with elf 0 */
	const struct ws_prstatus *prstatuses;        /* ends with size 0 */
	const struct ws_qemu_note *qemu_note;        /* NULL: QEMU writes none */
	const struct ws_monitor_note *monitor_notes; /* ends with name NULL; NULL: none */
	const struct ws_monitor_register *monitor_registers; /* the same */
	/* What QEMU's `info registers' has for each such processor, and for no other; NULL: none. */
	const char *monitor_mark;
	const struct ws_kvm_part *kvm_parts; /* ends with name NULL; NULL: unknown */
	/* In the order of trust; ends with magic NULL. NULL: no holes that it tells. */
	const struct ws_ram_map *ram_maps;
	const struct ws_qemu_state *qemu_state;      /* NULL: none is known */
	const struct ws_qemu_machine *qemu_machines; /* ends with type NULL; NULL: none */

	/* The table of registers of a kernel with longs of that size, and its length. */
	const struct ws_register *(*registers)(unsigned word, unsigned *n);

	/*
	 * What a processor's registers say. format: NULL where they are not known, or
	 * paging is off, which is_paging says of those that are known. wide: the dump
	 * says that it ran in 64-bit mode. root: false where it is not known.
	 */
	const struct ws_format *(*format_of_cpu)(const struct ws_cpu *cpu, bool wide);
	bool (*has_paging_off)(const struct ws_cpu *cpu);
	bool (*root)(const struct ws_cpu *cpu, uint64_t *root);
	const char *root_register; /* the manual's name of what holds it */
	/* Where its next push goes, if it is known to be in the kernel. */
	bool (*kernel_sp)(const struct ws_cpu *cpu, uint64_t *sp);

	/*
	 * What a processor's registers say about its regime (text and all), if tables are of
	 * that format; false where those that decide are not known. NULL: one root translates
	 * all addresses, and no register says otherwise.
	 */
	bool (*regime)(const struct ws_cpu *cpu, const struct ws_format *format,
		       struct ws_regime *regime);
	/* The registers that it asks: no other can be given; ends with NULL. */
	const char *const *regime_registers;
	/* Those with a name that kernels with that format have; NULL: none. */
	const struct ws_named_regime *(*regimes)(const struct ws_format *format);
	/*
	 * Which of them a kernel's code runs in, by what memory shows, where registers are not
	 * known; NULL: that is not seen, and why. Asked once the reference is known.
	 */
	const struct ws_named_regime *(*regime_by_memory)(struct ws_system *system,
							  char why[static WS_REGIME_WHY]);

	/* What a kernel's VMCOREINFO says of its format; NULL: nothing. */
	const struct ws_format *(*format_of_vmcoreinfo)(const char *text);
	/* That of a kernel with longs of that size which says nothing. */
	const struct ws_format *(*plain_format)(unsigned word);

	/* Bits that Linux sets in entries which map a page, never in one that leads to a
	 * table. */
	uint64_t page_bits;

	/* What an audit asks of it (audit/arch.h); NULL: it is not known. */
	const struct ws_arch_audit *audit;
	/* And an autopsy (autopsy/arch.h); NULL: what its exceptions leave is not known. */
	const struct ws_arch_autopsy *autopsy;
	/* ws_machine_create(); NULL: no processor of it is simulated. */
	enum ws_status (*machine_create)(struct ws_audit *audit,
					 struct ws_machine **machine);
};

/* The root that it has loaded, as it holds it; false where that is not known. */
static inline bool ws_cpu_root(const struct ws_cpu *cpu, uint64_t *root)
{
	return cpu->arch->root(cpu, root);
}

/* The machine type with longs of that size. */
static inline const struct ws_machine_type *ws_machine_type(const struct ws_arch *arch,
							    unsigned word)
{
	const struct ws_machine_type *machine = arch->machines;

	while (machine->elf && machine->word != word)
		machine++;
	return machine;
}

/* The machine that an ELF file is for, and its architecture; NULL: of none. */
const struct ws_machine_type *ws_machine_of_elf(uint16_t elf,
						const struct ws_arch **arch);
/* Whether uname() has such a name for a machine; size: of name, which need not end. */
bool ws_is_machine_name(const char *name, size_t size);
/* "i386 (3) or x86-64 (62)": all of them and their ELF numbers. Returns text. */
#define WS_MACHINE_NAMES 128
const char *ws_machine_names(char text[static WS_MACHINE_NAMES]);

/* i-th architecture; NULL past the last. */
const struct ws_arch *ws_arch_at(unsigned i);
/* Whose format it is, or is a copy of. */
const struct ws_arch *ws_arch_of(const struct ws_format *format);

#endif
