/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Every combination of the bits that decide an access, against SDM 4.6.1, 4.7 and 4.8
 * read a second time, item by item and in the manual's order.
 */
#include "stand.h"

#define VA UINT64_C(0xffff908080d23000)
#define VA32 UINT64_C(0x80d23000)
#define PAGE UINT64_C(0x2345000)
#define RESERVED (UINT64_C(1) << 51)

/* What a case is made of; each field runs through its values. */
struct property {
	bool wp, nxe, smep, smap, ac;
	uint64_t pde, pte; /* P, RW, US, XD, RESERVED, A, D */
	unsigned access;
};

struct outcome {
	bool fault;
	uint32_t error;
	bool pde_a, pte_a, pte_d;
};

/* ---- the manual, a second time ---- */

static bool data_read_supervisor(const struct property *p, bool user_address)
{
	if (!user_address)
		return true; /* "implicitly or explicitly from any supervisor-mode
				address" */
	if (!p->smap)
		return true;
	return p->ac && !(p->access & MACHINE_IMPLICIT);
}

static bool data_write_supervisor(const struct property *p, bool user_address, bool rw)
{
	if (!user_address)
		return !p->wp || rw;
	if (!p->wp)
		return !p->smap || (p->ac && !(p->access & MACHINE_IMPLICIT));
	if (!p->smap)
		return rw;
	return p->ac && !(p->access & MACHINE_IMPLICIT) && rw;
}

static bool fetch_supervisor(const struct property *p, bool user_address, bool xd)
{
	if (user_address && p->smep)
		return false;
	return !p->nxe || !xd;
}

static bool access_user(const struct property *p, bool user_address, bool rw, bool xd)
{
	if (!user_address)
		return false;
	switch (p->access & MACHINE_KIND) {
	case MACHINE_READ:
		return true;
	case MACHINE_WRITE:
		return rw;
	default:
		return !p->nxe || !xd;
	}
}

/* SDM 4.6.1. */
static bool permitted(const struct property *p)
{
	bool user_address = p->pde & US && p->pte & US;
	bool rw = p->pde & RW && p->pte & RW, xd = p->pde & XD || p->pte & XD;

	if (p->access & MACHINE_USER)
		return access_user(p, user_address, rw, xd);
	switch (p->access & MACHINE_KIND) {
	case MACHINE_READ:
		return data_read_supervisor(p, user_address);
	case MACHINE_WRITE:
		return data_write_supervisor(p, user_address, rw);
	default:
		return fetch_supervisor(p, user_address, xd);
	}
}

/* SDM 4.7, the flags that describe the access. */
static uint32_t access_error(const struct property *p)
{
	uint32_t error = p->access & MACHINE_USER ? MACHINE_PF_U : 0;

	if ((p->access & MACHINE_KIND) == MACHINE_WRITE)
		error |= MACHINE_PF_W;
	if ((p->access & MACHINE_KIND) == MACHINE_FETCH && (p->nxe || p->smep))
		error |= MACHINE_PF_I;
	return error;
}

static bool reserved(const struct property *p, uint64_t entry)
{
	return entry & RESERVED || (entry & XD && !p->nxe);
}

static struct outcome expected(const struct property *p)
{
	struct outcome o = { .fault = true, .error = access_error(p) };

	if (!(p->pde & P))
		return o;
	if (reserved(p, p->pde)) {
		o.error |= MACHINE_PF_RSVD | MACHINE_PF_P;
		return o;
	}
	o.pde_a = true;
	if (!(p->pte & P))
		return o;
	if (reserved(p, p->pte)) {
		o.error |= MACHINE_PF_RSVD | MACHINE_PF_P;
		return o;
	}
	if (!permitted(p)) {
		o.error |= MACHINE_PF_P;
		return o;
	}
	o = (struct outcome){ .pde_a = true, .pte_a = true };
	o.pte_d = (p->access & MACHINE_KIND) == MACHINE_WRITE;
	return o;
}

/* ---- every case ---- */

static const unsigned accesses[] = {
	MACHINE_READ,
	MACHINE_WRITE,
	MACHINE_FETCH,
	MACHINE_READ | MACHINE_USER,
	MACHINE_WRITE | MACHINE_USER,
	MACHINE_FETCH | MACHINE_USER,
	MACHINE_READ | MACHINE_IMPLICIT,
	MACHINE_WRITE | MACHINE_IMPLICIT,
};

#define ACCESSES (sizeof(accesses) / sizeof(*accesses))
#define CONTROLS 32u

static uint64_t entry_of(unsigned bits)
{
	static const uint64_t bit[] = { P, RW, US, XD, RESERVED, A, D };
	uint64_t entry = 0;

	for (unsigned i = 0; i < sizeof(bit) / sizeof(*bit); i++)
		entry |= bits >> i & 1 ? bit[i] : 0;
	return entry;
}

static void set_control(struct stand *s, const struct property *p)
{
	struct machine_registers r = s->cpu.r;

	r.cr0 = (r.cr0 & ~CR0_WP) | (p->wp ? CR0_WP : 0);
	r.cr4 = (r.cr4 & ~(CR4_SMEP | CR4_SMAP)) | (p->smep ? CR4_SMEP : 0) |
		(p->smap ? CR4_SMAP : 0);
	r.efer = (r.efer & ~EFER_NXE) | (p->nxe ? EFER_NXE : 0);
	r.flags = (r.flags & ~FLAGS_AC) | (p->ac ? FLAGS_AC : 0);
	r.cpl = p->access & (MACHINE_USER | MACHINE_IMPLICIT) ? 3 : 0;
	machine_cpu_load(&s->cpu, &r);
}

static void say(const struct property *p, const struct outcome *want, bool went,
		const struct machine_event *event, uint64_t pde, uint64_t pte)
{
	fail_msg("WP %d NXE %d SMEP %d SMAP %d AC %d, access %x, PDE %" PRIx64
		 " -> %" PRIx64 ", PTE %" PRIx64 " -> %" PRIx64
		 ": %s %x; want %s %x, flags %d %d %d",
		 p->wp, p->nxe, p->smep, p->smap, p->ac, p->access, p->pde, pde, p->pte,
		 pte, went ? "goes" : "faults", went ? 0 : event->error,
		 want->fault ? "fault" : "goes", want->error, want->pde_a, want->pte_a,
		 want->pte_d);
}

/* The two entries that matter, by where they lie. */
static void check_case(struct stand *s, uint64_t va, uint64_t pde_at, uint64_t pte_at,
		       const struct property *p)
{
	uint64_t table = stand_get(s, pde_at, 8) & UINT64_C(0x7fffffffff000), pde, pte;
	struct outcome want = expected(p);
	struct machine_translation t;
	struct machine_event event = { 0 };
	bool went;

	stand_put(s, pde_at, 8, table | p->pde);
	stand_put(s, pte_at, 8, PAGE | p->pte);
	went = machine_translate(&s->cpu, va, p->access, &t, &event);
	pde = stand_get(s, pde_at, 8);
	pte = stand_get(s, pte_at, 8);
	stand_put(s, pde_at, 8, table | P | RW | US);
	if (went == want.fault || (!went && event.vector != MACHINE_PF) ||
	    (!went && event.error != want.error) || (went && t.pa != PAGE) ||
	    pde != (table | p->pde | (want.pde_a ? A : 0)) ||
	    pte != (PAGE | p->pte | (want.pte_a ? A : 0) | (want.pte_d ? D : 0)))
		say(p, &want, went, &event, pde, pte);
}

static struct property control_of(unsigned n)
{
	return (struct property){ .wp = n & 1,
				  .nxe = n >> 1 & 1,
				  .smep = n >> 2 & 1,
				  .smap = n >> 3 & 1,
				  .ac = n >> 4 & 1 };
}

static void check_all(enum stand_mode mode, uint64_t va)
{
	static const struct machine_model model = { .features = MACHINE_HAS_ALL,
						    .maxphyaddr = 40 };
	uint64_t pde_at, pte_at;
	unsigned cases = 0;
	struct stand s;

	stand_open(&s, mode, &model);
	pte_at = stand_entry(&s, va, 1);
	pde_at = stand_entry(&s, va, 2);
	machine_cpu_read_pdptes(&s.cpu);
	for (unsigned control = 0; control < CONTROLS * ACCESSES; control++) {
		struct property p = control_of(control % CONTROLS);

		p.access = accesses[control / CONTROLS];
		set_control(&s, &p);
		for (unsigned bits = 0; bits < 1u << 13; bits++, cases++) {
			p.pde = entry_of(bits & 63);
			p.pte = entry_of(bits >> 6);
			check_case(&s, va, pde_at, pte_at, &p);
		}
	}
	print_message("# %u cases\n", cases);
	stand_close(&s);
}

static void test_4level(void **state)
{
	(void)state;
	check_all(STAND_4LEVEL, VA);
}

static void test_pae(void **state)
{
	(void)state;
	check_all(STAND_PAE, VA32);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		{ "4-level: entry bits x control bits x accesses (SDM 4.6 to 4.8)",
		  test_4level },
		{ "PAE: entry bits x control bits x accesses (SDM 4.6 to 4.8)",
		  test_pae },
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
