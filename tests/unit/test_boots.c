/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* One kernel or two, one boot or two: by texts and tables of tasks that are made here. */
#include "../../tools/boots.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#define IMAGE UINT64_C(0xffffffff81000000)
#define SHIFT UINT64_C(0x1f000000)
#define DIRECT UINT64_C(0xffff888000000000)

/* ---- kernels -------------------------------------------------------------------------- */

static struct known_kernel kernel_at(uint64_t image, uint64_t direct,
				     const char *vmcoreinfo)
{
	return (struct known_kernel){ .format = "x86_64",
				      .vmcoreinfo = vmcoreinfo,
				      .layout = { .page_offset = direct,
						  .image_first = image,
						  .image_last = image + 0xffffff } };
}

static enum kernels compare(const struct known_kernel *a, const struct known_kernel *b)
{
	struct unlike unlike = { .what = NULL };
	enum kernels kernels = kernels_compare(a, b, &unlike);

	assert_int_equal(kernels == KERNELS_OTHER, unlike.what != NULL);
	return kernels;
}

/* Two texts of kernels that are `shift` apart. */
static enum kernels compare_texts(uint64_t shift, const char *a, const char *b)
{
	struct known_kernel x = kernel_at(IMAGE, DIRECT, a);
	struct known_kernel y = kernel_at(IMAGE + shift, DIRECT, b);

	return compare(&x, &y);
}

static void test_one_kernel(void **state)
{
	(void)state;
	assert_int_equal(compare_texts(0, "OSRELEASE=6.1\nCRASHTIME=1\n",
				       "OSRELEASE=6.1\nCRASHTIME=2\n"),
			 KERNELS_ONE);
	assert_int_equal(compare_texts(0, "OSRELEASE=6.1\n", NULL), KERNELS_ONE);
	assert_int_equal(compare_texts(0, "OSRELEASE=6.1\n", "OSRELEASE=6.2\n"),
			 KERNELS_OTHER);
	assert_int_equal(compare_texts(0, "SYMBOL(_stext)=ffffffff81000000\n",
				       "SYMBOL(_stext)=ffffffff81000010\n"),
			 KERNELS_OTHER);
	assert_int_equal(compare_texts(0, "KERNELOFFSET=0\n", "KERNELOFFSET=1f000000\n"),
			 KERNELS_OTHER);
}

/* KASLR moves the image, and what lies in it by as much. */
static void test_moved_image(void **state)
{
	(void)state;
	assert_int_equal(compare_texts(SHIFT,
				       "OSRELEASE=6.1\n"
				       "SYMBOL(_stext)=ffffffff81000040\n"
				       "SYMBOL(mem_section)=ffff888007d5a000\n"
				       "NUMBER(phys_base)=0\nKERNELOFFSET=0\n",
				       "OSRELEASE=6.1\n"
				       "SYMBOL(_stext)=ffffffffa0000040\n"
				       "SYMBOL(mem_section)=ffff88801fd25000\n"
				       "NUMBER(phys_base)=4096\nKERNELOFFSET=1f000000\n"),
			 KERNELS_MOVED);
	/* the same release built anew: a symbol lies elsewhere in its image */
	assert_int_equal(compare_texts(SHIFT, "SYMBOL(_stext)=ffffffff81000040\n",
				       "SYMBOL(_stext)=ffffffffa0000048\n"),
			 KERNELS_OTHER);
	assert_int_equal(compare_texts(SHIFT, "SYMBOL(_stext)=ffffffff81000040\n",
				       "SYMBOL(_etext)=ffffffffa0000040\n"),
			 KERNELS_OTHER);
	/* in the image in one, and outside in the other */
	assert_int_equal(compare_texts(SHIFT, "SYMBOL(x)=ffff888007d5a000\n",
				       "SYMBOL(x)=ffffffffa0000040\n"),
			 KERNELS_OTHER);
	assert_int_equal(
		compare_texts(SHIFT, "OFFSET(page.flags)=0\n", "OFFSET(page.flags)=8\n"),
		KERNELS_OTHER);
	assert_int_equal(compare_texts(SHIFT, "OSRELEASE=6.1\n", "OSRELEASE=6.2\n"),
			 KERNELS_OTHER);
	/* which kernel it is, one of them does not say */
	assert_int_equal(compare_texts(SHIFT, "OSRELEASE=6.1\n", NULL), KERNELS_OTHER);
	assert_int_equal(compare_texts(SHIFT, NULL, NULL), KERNELS_OTHER);
}

/* The direct map moves by itself. */
static void test_moved_direct_map(void **state)
{
	struct known_kernel a =
		kernel_at(IMAGE, DIRECT, "SYMBOL(mem_section)=ffff888007d5a000\n");
	struct known_kernel b = kernel_at(IMAGE, DIRECT + (UINT64_C(1) << 30),
					  "SYMBOL(mem_section)=ffff888047d5a000\n");

	(void)state;
	assert_int_equal(compare(&a, &b), KERNELS_MOVED);
	b.layout.page_offset = DIRECT;
	assert_int_equal(compare(&a, &b), KERNELS_OTHER);
}

static void test_other_format(void **state)
{
	struct known_kernel a = kernel_at(IMAGE, DIRECT, NULL), b = a;

	(void)state;
	assert_int_equal(compare(&a, &b), KERNELS_ONE);
	b.format = "x86_64-la57";
	assert_int_equal(compare(&a, &b), KERNELS_OTHER);
}

/* ---- boots ---------------------------------------------------------------------------- */

#define TASKS 64

/* init_task, and n others. */
static void make_tasks(struct ws_task *tasks, size_t n)
{
	for (size_t i = 0; i <= n; i++)
		tasks[i] = (struct ws_task){ .pid = (uint32_t)i,
					     .comm_va = DIRECT + 0x1000 * i };
}

/* Of n tasks `same` are in the same place. */
static enum boots boots_of(size_t n, size_t same)
{
	struct ws_task a[TASKS], b[TASKS];
	enum boots boots;

	make_tasks(a, n);
	make_tasks(b, n);
	for (size_t i = same + 1; i <= n; i++)
		b[i].comm_va += 0x800;
	assert_true(boots_compare(a, n + 1, b, n + 1, &boots));
	return boots;
}

static void test_half_the_tasks(void **state)
{
	(void)state;
	assert_int_equal(boots_of(62, 62), BOOTS_ONE);
	assert_int_equal(boots_of(62, 31), BOOTS_ONE);
	assert_int_equal(boots_of(62, 30), BOOTS_TWO);
	assert_int_equal(boots_of(1, 1), BOOTS_ONE);
	assert_int_equal(boots_of(1, 0), BOOTS_TWO);
}

/* init_task is where the image has it, in every boot. */
static void test_nobody_in_common(void **state)
{
	struct ws_task a[TASKS], b[TASKS];
	enum boots boots;

	(void)state;
	assert_int_equal(boots_of(0, 0), BOOTS_UNKNOWN);
	make_tasks(a, 4);
	make_tasks(b, 4);
	for (size_t i = 1; i <= 4; i++)
		b[i].pid += 100;
	assert_true(boots_compare(a, 5, b, 5, &boots));
	assert_int_equal(boots, BOOTS_UNKNOWN);
}

/* Who has lost the leader is known by a thread, and that can be another each time. */
static void test_leader_that_exited(void **state)
{
	struct ws_task a[TASKS], b[TASKS];
	enum boots boots;

	(void)state;
	make_tasks(a, 2);
	make_tasks(b, 2);
	b[2].leader_exited = true;
	b[2].comm_va = DIRECT;
	b[1].comm_va = DIRECT;
	assert_true(boots_compare(a, 3, b, 3, &boots));
	assert_int_equal(boots, BOOTS_TWO);
	b[1] = a[1];
	assert_true(boots_compare(b, 3, a, 3, &boots));
	assert_int_equal(boots, BOOTS_ONE);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_one_kernel),
		cmocka_unit_test(test_moved_image),
		cmocka_unit_test(test_moved_direct_map),
		cmocka_unit_test(test_other_format),
		cmocka_unit_test(test_half_the_tasks),
		cmocka_unit_test(test_nobody_in_common),
		cmocka_unit_test(test_leader_that_exited),
	};

	return cmocka_run_group_tests_name("boots", tests, NULL, NULL);
}
