/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * What an exception frame looks like: SDM vol. 3A, 6.12.1 (figure 6-4) and 6.14.2 (figure
 * 6-8), with the selectors that Linux has had since 2.6 (arch/x86/include/asm/segment.h).
 *
 *	i386     error, EIP, CS, EFLAGS, and from user mode ESP, SS
 *	x86-64   error, RIP, CS, RFLAGS, RSP, SS, always
 *
 * A frame of a vector without an error code is the same with another word below.
 */
#include "autopsy/arch.h"
#include "x86/autopsy.h"
#include "util/bits.h"

#define KERNEL_CS_32 0x60u
#define USER_CS_32 0x73u
#define USER_DS_32 0x7bu
#define KERNEL_CS_64 0x10u
#define KERNEL_DS_64 0x18u
#define USER_CS_64 0x33u
#define USER_CS_COMPAT 0x23u
#define USER_DS_64 0x2bu

/* SDM 3.4.3: bit 1 is set; 3, 5, 15 and 22 to 31 are clear, and nobody uses VM (17). */
#define FLAGS_SET 0x2u
#define FLAGS_CLEAR UINT64_C(0xffffffffffc28028)
#define FLAGS_IF 0x200u

/* The entry code of i386 keeps notes in the upper half of CS (entry_32.S). */
#define CS_NOTES_32 0xe0000000u

#define LOWER_HALF_64 (UINT64_C(1) << 47)

static bool may_be_flags(uint64_t flags, uint64_t width)
{
	return flags & FLAGS_SET && !(flags & FLAGS_CLEAR & width);
}

/* words: error, EIP, CS, EFLAGS, ESP, SS; left: how many there are. */
static bool is_frame_32(const uint8_t *words, size_t left, uint64_t kernel_first,
			struct ws_exception_frame *frame)
{
	uint32_t ip = ws_le32(words + 4), cs = ws_le32(words + 8) & ~CS_NOTES_32;
	uint32_t flags = ws_le32(words + 12);

	if ((cs != KERNEL_CS_32 && cs != USER_CS_32) || !may_be_flags(flags, UINT32_MAX))
		return false;
	*frame = (struct ws_exception_frame){ .ip = ip,
					      .flags = flags,
					      .error = ws_le32(words),
					      .user = cs == USER_CS_32,
					      .size = 16 };
	if (!frame->user)
		return true; /* at any address: a hook may lie in user memory */
	if (left < 6 || ws_le32(words + 20) != USER_DS_32)
		return false;
	frame->sp = ws_le32(words + 16);
	frame->size = 24;
	return ip < kernel_first && frame->sp < kernel_first && flags & FLAGS_IF;
}

static bool is_frame_64(const uint8_t *words, uint64_t kernel_first,
			struct ws_exception_frame *frame)
{
	uint64_t ip = ws_le64(words + 8), cs = ws_le64(words + 16);
	uint64_t flags = ws_le64(words + 24), sp = ws_le64(words + 32);
	uint64_t ss = ws_le64(words + 40);
	bool user = cs == USER_CS_64 || cs == USER_CS_COMPAT;

	if ((!user && cs != KERNEL_CS_64) || !may_be_flags(flags, UINT64_MAX))
		return false;
	*frame = (struct ws_exception_frame){ .ip = ip,
					      .flags = flags,
					      .error = ws_le64(words),
					      .sp = sp,
					      .user = user,
					      .size = 48 };
	if (user)
		return ss == USER_DS_64 && ip < LOWER_HALF_64 && sp < LOWER_HALF_64 &&
		       flags & FLAGS_IF;
	return (!ss || ss == KERNEL_DS_64) && sp >= kernel_first;
}

/* ---- where none can be --------------------------------------------------------------- */

/*
 * Most memory has none of the selectors, which a loop over a few words that has no exit finds
 * out many words at a time.
 */
#define BLOCK 256u

static bool is_empty(const uint8_t *words)
{
	uint64_t any = 0;

	for (unsigned at = 0; at < BLOCK; at += 8)
		any |= ws_le64(words + at);
	return !any;
}

static bool has_selector_32(const uint8_t *words)
{
	unsigned n = 0;

	for (unsigned at = 0; at < BLOCK; at += 4) {
		uint32_t cs = ws_le32(words + at) & ~CS_NOTES_32;

		n += (cs == KERNEL_CS_32) | (cs == USER_CS_32);
	}
	return n;
}

static bool has_selector_64(const uint8_t *words)
{
	unsigned n = 0;

	for (unsigned at = 0; at < BLOCK; at += 8) {
		uint64_t cs = ws_le64(words + at);

		n += (cs == KERNEL_CS_64) | (cs == USER_CS_64) | (cs == USER_CS_COMPAT);
	}
	return n;
}

static bool has_selector(unsigned word, const uint8_t *words)
{
	if (is_empty(words)) /* as much of a machine's memory is */
		return false;
	return word == 4 ? has_selector_32(words) : has_selector_64(words);
}

/* The first place at or behind at, by blocks, where one may begin. */
static size_t skip(unsigned word, const uint8_t *bytes, size_t len, size_t at)
{
	size_t cs = 2 * word; /* behind the error code and the instruction pointer */

	while (at + cs + BLOCK <= len && !has_selector(word, bytes + at + cs))
		at += BLOCK;
	return at;
}

bool x86_next_frame(const struct ws_frame_rules *rules, const uint8_t *bytes, size_t len,
		    size_t *at, struct ws_exception_frame *frame)
{
	size_t least = rules->word == 4 ? 16 : 48, end;

	for (*at = skip(rules->word, bytes, len, *at); *at + least <= len;
	     *at = skip(rules->word, bytes, len, *at))
		for (end = *at + BLOCK; *at < end && *at + least <= len;
		     *at += rules->word) {
			const uint8_t *words = bytes + *at;

			if (rules->word == 4
				    ? is_frame_32(words, (len - *at) / 4,
						  rules->kernel_first, frame)
				    : is_frame_64(words, rules->kernel_first, frame))
				return true;
		}
	return false;
}
