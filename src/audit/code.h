/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The kernel's code by name: what an address is called, and how far what is there goes. */
#ifndef WS_AUDIT_CODE_H
#define WS_AUDIT_CODE_H

#include "audit/rule.h"

/* "loop:lo_ioctl+0x10 at 0xe07fe010", or the address alone. Returns text. */
#define WS_NAME_SIZE 640
char *ws_name_address(struct ws_audit *audit, uint64_t va, char text[WS_NAME_SIZE]);

/* The last byte of the function that va is in; va where symbols do not say. */
uint64_t ws_code_last(struct ws_audit *audit, uint64_t va);

/* The address of a symbol. False: there is none of that name. */
bool ws_code_symbol(struct ws_audit *audit, const char *name, uint64_t *va);

/* The loaded module that va is in; NULL: none. */
const struct ws_module *ws_code_module(struct ws_audit *audit, uint64_t va);

#endif
