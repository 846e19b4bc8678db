/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Linux' structures as the model keeps them: what offsetof() and sizeof gave for Linux
 * 6.1.192, tinyconfig with SMP, MODULES, MODULE_UNLOAD, KALLSYMS, KEXEC and
 * DEBUG_PAGEALLOC, compiled for i386, for i386 with X86_PAE, and for x86-64 (SPARSEMEM
 * without VMEMMAP). The smallest kernel has the smallest structures. Of task_struct and
 * mm_struct, which every process has, only what lies before the model's last field is
 * kept: a kernel of 100,000 processes is to fit into memory.
 */
#include "machine/kernel/linux.h"

/* clang-format off */
const struct linux_field_row linux_fields[LINUX_FIELDS] = {
	/*                                                      i386   PAE x86-64 width */
	[TASK_CPU]            = { "task_struct.thread_info.cpu", {   12,   12,   20 }, 4 },
	[TASK_STACK]          = { "task_struct.stack",           {   20,   20,   32 } },
	[TASK_USAGE]          = { "task_struct.usage",           {   24,   24,   40 }, 4 },
	[TASK_FLAGS]          = { "task_struct.flags",           {   28,   28,   44 }, 4 },
	[TASK_PRIO]           = { "task_struct.prio",            {   72,   72,  108 }, 4 },
	[TASK_TASKS]          = { "task_struct.tasks",           {  476,  476,  688 } },
	[TASK_MM]             = { "task_struct.mm",              {  516,  516,  768 } },
	[TASK_ACTIVE_MM]      = { "task_struct.active_mm",       {  520,  520,  776 } },
	[TASK_PID]            = { "task_struct.pid",             {  616,  616,  912 }, 4 },
	[TASK_TGID]           = { "task_struct.tgid",            {  620,  620,  916 }, 4 },
	[TASK_REAL_PARENT]    = { "task_struct.real_parent",     {  624,  624,  920 } },
	[TASK_PARENT]         = { "task_struct.parent",          {  628,  628,  928 } },
	[TASK_CHILDREN]       = { "task_struct.children",        {  632,  632,  936 } },
	[TASK_SIBLING]        = { "task_struct.sibling",         {  640,  640,  952 } },
	[TASK_GROUP_LEADER]   = { "task_struct.group_leader",    {  648,  648,  968 } },
	[TASK_THREAD_GROUP]   = { "task_struct.thread_group",    {  704,  704, 1080 } },
	[TASK_COMM]           = { "task_struct.comm",            {  824,  824, 1264 }, 1 },
	[MM_TASK_SIZE]        = { "mm_struct.task_size",         {   24,   24,   48 } },
	[MM_PGD]              = { "mm_struct.pgd",               {   28,   28,   56 } },
	[MM_USERS]            = { "mm_struct.mm_users",          {   32,   32,   64 }, 4 },
	[MM_COUNT]            = { "mm_struct.mm_count",          {   36,   36,   68 }, 4 },
	[MM_MMLIST]           = { "mm_struct.mmlist",            {   76,   76,  128 } },
	[PAGE_FLAGS]          = { "page.flags",                  {    0,    0,    0 } },
	[PAGE_LRU]            = { "page.lru",                    {    4,    4,    8 } },
	[PAGE_MAPPING]        = { "page.mapping",                {   12,   12,   24 } },
	[PAGE_PRIVATE]        = { "page.private",                {   20,   20,   40 } },
	[PAGE_MAPCOUNT]       = { "page._mapcount",              {   24,   24,   48 }, 4 },
	[PAGE_REFCOUNT]       = { "page._refcount",              {   28,   28,   52 }, 4 },
	[MODULE_STATE]        = { "module.state",                {    0,    0,    0 }, 4 },
	[MODULE_LIST]         = { "module.list",                 {    4,    4,    8 } },
	[MODULE_NAME]         = { "module.name",                 {   12,   12,   24 }, 1 },
	[MODULE_CORE_BASE]    = { "module.core_layout.base",     {  192,  192,  320 } },
	[MODULE_CORE_SIZE]    = { "module.core_layout.size",     {  196,  196,  328 }, 4 },
	[MODULE_TEXT_SIZE]    = { "module.core_layout.text_size", { 200,  200,  332 }, 4 },
	[MODULE_RO_SIZE]      = { "module.core_layout.ro_size",  {  204,  204,  336 }, 4 },
	[MODULE_KALLSYMS]     = { "module.kallsyms",             {  292,  292,  488 } },
	[MODULE_SYMTAB]       = { "module.core_kallsyms.symtab", {  296,  296,  496 } },
	[MODULE_NUM_SYMTAB]   = { "module.core_kallsyms.num_symtab", { 300, 300, 504 }, 4 },
	[MODULE_STRTAB]       = { "module.core_kallsyms.strtab", {  304,  304,  512 } },
	[MODULE_TYPETAB]      = { "module.core_kallsyms.typetab", { 308,  308,  520 } },
	[RESOURCE_START]      = { "resource.start",              {    0,    0,    0 },
				  LINUX_PHYS },
	[RESOURCE_END]        = { "resource.end",                {    4,    8,    8 },
				  LINUX_PHYS },
	[RESOURCE_NAME]       = { "resource.name",               {    8,   16,   16 } },
	[SECTION_MEM_MAP]     = { "mem_section.section_mem_map", {    0,    0,    0 } },
	[UTS_NAME]            = { "uts_namespace.name",          {    0,    0,    0 }, 1 },
	[PAGE_COMPOUND_DTOR]  = { "page.compound_dtor",          {    8,    8,   16 }, 1 },
	[PAGE_COMPOUND_ORDER] = { "page.compound_order",         {    9,    9,   17 }, 1 },
	[PAGE_COMPOUND_HEAD]  = { "page.compound_head",          {    4,    4,    8 } },
	[LIST_NEXT]           = { "list_head.next",              {    0,    0,    0 } },
	[LIST_PREV]           = { "list_head.prev",              {    4,    4,    8 } },
};

const struct linux_struct_row linux_structs[LINUX_STRUCTS] = {
	[TASK]          = { "task_struct",   {  848,  848, 1280 } }, /* as far as it is kept */
	[MM]            = { "mm_struct",     {   96,   96,  144 } }, /* the same */
	[PAGE_STRUCT]   = { "page",          {   32,   32,   56 } },
	[MODULE]        = { "module",        {  384,  384,  704 } },
	[MOD_KALLSYMS]  = { "mod_kallsyms",  {   16,   16,   32 } },
	[RESOURCE]      = { "resource",      {   32,   40,   64 } },
	[MEM_SECTION]   = { "mem_section",   {    0,    0,   16 } },
	[LIST_HEAD]     = { "list_head",     {    8,    8,   16 } },
	[UTS_NAMESPACE] = { "uts_namespace", {  416,  416,  432 } },
};
/* clang-format on */

uint64_t linux_offset(const struct kernel *kernel, enum linux_field field)
{
	return linux_fields[field].at[kernel->options.format];
}

uint64_t linux_size(const struct kernel *kernel, enum linux_struct row)
{
	return linux_structs[row].size[kernel->options.format];
}

/* ---- fields ----------------------------------------------------------------------- */

static unsigned width_of(const struct kernel *kernel, enum linux_field field)
{
	switch (linux_fields[field].width) {
	case LINUX_WORD:
		return kernel->layout.word;
	case LINUX_PHYS:
		return kernel->layout.entry_size;
	default:
		return linux_fields[field].width;
	}
}

void linux_put(struct kernel *kernel, uint64_t va, enum linux_field field, uint64_t value)
{
	va_put(kernel, va + linux_offset(kernel, field), width_of(kernel, field), value);
}

uint64_t linux_get(struct kernel *kernel, uint64_t va, enum linux_field field)
{
	return va_get(kernel, va + linux_offset(kernel, field), width_of(kernel, field));
}

/* ---- lists ------------------------------------------------------------------------ */

static void join(struct kernel *kernel, uint64_t node, uint64_t next)
{
	linux_put(kernel, node, LIST_NEXT, next);
	linux_put(kernel, next, LIST_PREV, node);
}

void linux_list_init(struct kernel *kernel, uint64_t head)
{
	join(kernel, head, head);
}

void linux_list_add(struct kernel *kernel, uint64_t node, uint64_t head)
{
	join(kernel, node, linux_list_next(kernel, head));
	join(kernel, head, node);
}

void linux_list_add_tail(struct kernel *kernel, uint64_t node, uint64_t head)
{
	linux_list_add(kernel, node, linux_get(kernel, head, LIST_PREV));
}

/*
 * LIST_POISON1 and 2, include/linux/poison.h, with x86-64's CONFIG_ILLEGAL_POINTER_VALUE.
 */
void linux_list_del(struct kernel *kernel, uint64_t node)
{
	uint64_t illegal = kernel->layout.word == 8 ? UINT64_C(0xdead) << 48 : 0;

	join(kernel, linux_get(kernel, node, LIST_PREV), linux_list_next(kernel, node));
	linux_put(kernel, node, LIST_NEXT, illegal + 0x100);
	linux_put(kernel, node, LIST_PREV, illegal + 0x122);
}

uint64_t linux_list_next(struct kernel *kernel, uint64_t node)
{
	return linux_get(kernel, node, LIST_NEXT);
}
