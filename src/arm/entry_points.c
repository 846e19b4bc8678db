/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The vectors, one by one, and the handlers that they lead to in the kernel. */
#include "arm/faultpath.h"
#include "arm/linux.h"

/* DDI 0406C, table B1-3. */
static const char *const names[] = {
	"reset",
	"undefined instruction",
	"supervisor call",
	"prefetch abort",
	"data abort",
	"not used",
	"IRQ",
	"FIQ",
};

/* Those whose code is a stub; a system call and a reset have none. */
#define STUBS                                                         \
	(WS_BIT(ARM_VECTOR_UNDEFINED) | WS_BIT(ARM_VECTOR_PREFETCH) | \
	 WS_BIT(ARM_VECTOR_DATA) | WS_BIT(ARM_VECTOR_IRQ) | WS_BIT(ARM_VECTOR_FIQ))

enum ws_evidence arm_entry_point(struct ws_system *system, const struct ws_cpu *cpu,
				 unsigned n, struct ws_entry_point *point)
{
	enum ws_evidence evidence;
	struct arm_stub stub;
	uint64_t vectors, pa;

	(void)cpu; /* Linux has the same for all */
	if (n >= WS_ARRAY_SIZE(names))
		return WS_NOT_MAPPED;
	if (arm_find_vectors(system, &vectors))
		return WS_ABSENT;
	point->name = names[n];
	point->va = vectors + UINT64_C(4) * n;
	evidence = ws_kernel_translate(system, point->va, &pa);
	if (evidence != WS_READ)
		return evidence;
	point->kind = "vector";
	point->is_code = true;
	if (STUBS >> n & 1 &&
	    arm_follow_vector(system, vectors, (enum arm_vector)n, &stub) == WS_READ)
		point->handler = stub.kernel;
	return WS_READ;
}
