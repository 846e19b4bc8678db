/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What the kernel printed of a fault that it could not handle, where the log has not all of it. */
#include "autopsy/oops.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#include "arch/arch.h"
#include "linux/linux.h"

/* With that line of code behind the others. */
static struct ws_oops read_code(const char *code)
{
	const struct ws_log_record records[] = {
		{ .text = "BUG: unable to handle page fault for address: c4ffe000" },
		{ .text = "Oops: 0010 [#1] SMP" },
		{ .text = "EIP: 0060:[<c1234567>]" },
		{ .text = code },
	};
	const struct ws_log log = { .records = records, .nrecords = 4 };
	struct ws_system system = { .layout.kernel_first = 0xc0000000 };
	struct ws_autopsy autopsy = {
		.system = &system,
		.arch = ws_arch_of(ws_format_by_name("i386"))->autopsy,
	};
	struct ws_oops oops;

	assert_true(ws_oops_read(&autopsy, &log, &oops));
	assert_true(oops.has_ip && oops.ip == 0xc1234567);
	return oops;
}

static void check_code(const char *line, const char *bytes, unsigned n, unsigned below)
{
	struct ws_oops oops = read_code(line);

	assert_int_equal(oops.ncode, n);
	assert_memory_equal(oops.code, bytes, n);
	assert_int_equal(oops.below, n ? below : 0);
}

static void code(void **state)
{
	(void)state;
	check_code("Code: 55 89 e5 <0f> 0b 5d", "\x55\x89\xe5\x0f\x0b\x5d", 6, 3);
	check_code("Code: <0f> 0b", "\x0f\x0b", 2, 0);
	check_code("Code: Bad RIP value.", "", 0, 0);
	check_code("Code: 55 89 e5", "", 0, 0);
}

/* What lies behind a line that is cut is another's: it is not read. */
static void code_that_is_cut(void **state)
{
	(void)state;
	check_code("Code: 55 <0f> 8\0 11 22 33", "\x55\x0f", 2, 1);
	check_code("Code: 55 <0f> \0 11 22 33", "\x55\x0f", 2, 1);
	check_code("Code: 55 <0f>\0 11 22 33", "\x55\x0f", 2, 1);
	check_code("Code: 55 <0f\0 11 22 33", "\x55\x0f", 2, 1);
	check_code("Code: 55 <0f> 0b <\0 11 22 33", "\x55\x0f\x0b", 3, 1);
	check_code("Code: \0 11 <22> 33", "", 0, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(code),
		cmocka_unit_test(code_that_is_cut),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
