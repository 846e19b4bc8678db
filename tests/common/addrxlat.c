/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "addrxlat.h"

#include "frames.h"

#include <string.h>

/* Only physical addresses can be read: there is nothing to translate them by. */
static unsigned long read_caps(const addrxlat_cb_t *cb)
{
	(void)cb;
	return ADDRXLAT_CAPS(ADDRXLAT_MACHPHYSADDR);
}

static addrxlat_status get_page(const addrxlat_cb_t *cb, addrxlat_buffer_t *buffer)
{
	const struct ws_paging *paging = cb->priv;

	buffer->addr.addr &= ~(addrxlat_addr_t)(WS_FRAME_SIZE - 1);
	buffer->ptr = paging_frame(paging, buffer->addr.addr);
	if (!buffer->ptr)
		return ADDRXLAT_ERR_NODATA;
	buffer->size = WS_FRAME_SIZE;
	buffer->byte_order = ADDRXLAT_LITTLE_ENDIAN;
	return ADDRXLAT_OK;
}

static const struct form {
	const char *format;
	addrxlat_paging_form_t paging;
} forms[] = {
	{ "i386", { ADDRXLAT_PTE_IA32, 3, { 12, 10, 10 } } },
	{ "i386-pae", { ADDRXLAT_PTE_IA32_PAE, 4, { 12, 9, 9, 2 } } },
	{ "x86_64", { ADDRXLAT_PTE_X86_64, 5, { 12, 9, 9, 9, 9 } } },
	{ "x86_64-la57", { ADDRXLAT_PTE_X86_64, 6, { 12, 9, 9, 9, 9, 9 } } },
	{ "arm64-4k-39", { ADDRXLAT_PTE_AARCH64, 4, { 12, 9, 9, 9 } } },
	{ "arm64-4k-48", { ADDRXLAT_PTE_AARCH64, 5, { 12, 9, 9, 9, 9 } } },
	{ "arm64-4k-52", { ADDRXLAT_PTE_AARCH64_LPA2, 6, { 12, 9, 9, 9, 9, 4 } } },
	{ "arm64-16k-47", { ADDRXLAT_PTE_AARCH64, 4, { 14, 11, 11, 11 } } },
	{ "arm64-16k-48", { ADDRXLAT_PTE_AARCH64, 5, { 14, 11, 11, 11, 1 } } },
	{ "arm64-16k-52", { ADDRXLAT_PTE_AARCH64_LPA2, 5, { 14, 11, 11, 11, 5 } } },
	{ "arm64-64k-42", { ADDRXLAT_PTE_AARCH64_LPA, 3, { 16, 13, 13 } } },
	{ "arm64-64k-48", { ADDRXLAT_PTE_AARCH64_LPA, 4, { 16, 13, 13, 6 } } },
	{ "arm64-64k-52", { ADDRXLAT_PTE_AARCH64_LPA, 4, { 16, 13, 13, 10 } } },
};

static const addrxlat_paging_form_t *form_of(const struct ws_format *format)
{
	for (size_t i = 0; i < sizeof(forms) / sizeof(*forms); i++)
		if (strcmp(forms[i].format, ws_format_name(format)) == 0)
			return &forms[i].paging;
	return NULL;
}

bool addrxlat_knows(const struct ws_format *format)
{
	return form_of(format);
}

bool addrxlat_open(struct addrxlat *x, const struct ws_paging *paging)
{
	const addrxlat_paging_form_t *form = form_of(paging->format);
	addrxlat_cb_t *cb;

	*x = (struct addrxlat){ .ctx = form ? addrxlat_ctx_new() : NULL };
	cb = x->ctx ? addrxlat_ctx_add_cb(x->ctx) : NULL;
	if (!cb)
		return false;
	cb->priv = (void *)paging;
	cb->get_page = get_page;
	cb->read_caps = read_caps;
	x->meth = (addrxlat_meth_t){
		.kind = ADDRXLAT_PGT,
		.target_as = ADDRXLAT_MACHPHYSADDR,
		.param.pgt = { .root.as = ADDRXLAT_MACHPHYSADDR, .pf = *form },
	};
	return true;
}

void addrxlat_close(struct addrxlat *x)
{
	if (x->ctx)
		addrxlat_ctx_decref(x->ctx);
	x->ctx = NULL;
}

static addrxlat_status launch(struct addrxlat *x, uint64_t root, uint64_t va)
{
	x->meth.param.pgt.root.addr = root;
	x->step = (addrxlat_step_t){ .ctx = x->ctx, .meth = &x->meth };
	return addrxlat_launch(&x->step, va);
}

addrxlat_status addrxlat_translate(struct addrxlat *x, uint64_t root, uint64_t va)
{
	addrxlat_status status = launch(x, root, va);

	while (status == ADDRXLAT_OK && x->step.remain)
		status = addrxlat_step(&x->step);
	return status;
}

addrxlat_status addrxlat_steps(struct addrxlat *x, uint64_t root, uint64_t va,
			       uint64_t entry[ADDRXLAT_FIELDS_MAX], unsigned *n)
{
	addrxlat_status status = launch(x, root, va);

	for (*n = 0; status == ADDRXLAT_OK && x->step.remain;) {
		bool reads = x->step.remain > 1; /* the last step adds the offset */

		status = addrxlat_step(&x->step);
		if (reads && status == ADDRXLAT_OK && *n < ADDRXLAT_FIELDS_MAX)
			entry[(*n)++] = x->step.raw.pte;
	}
	return status;
}
