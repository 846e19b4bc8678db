/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "report/tree.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "report/report.h"
#include "util/cleanup.h"

static json_t *checked(struct tree *tree, json_t *value)
{
	if (!value)
		tree->failed = true;
	return value;
}

json_t *tree_text(struct tree *tree, const char *text)
{
	size_t size = text ? strlen(text) * 4 + 1 : 1;
	ws_autofree char *clean = text ? malloc(size) : NULL;

	if (!text)
		return json_null();
	if (clean)
		report_clean(clean, size, text);
	return checked(tree, clean ? json_string(clean) : NULL);
}

json_t *tree_hex(struct tree *tree, uint64_t number)
{
	return checked(tree, json_sprintf("0x%" PRIx64, number));
}

json_t *tree_number(struct tree *tree, uint64_t number)
{
	return checked(tree, json_integer((json_int_t)number));
}

json_t *tree_object(struct tree *tree)
{
	return checked(tree, json_object());
}

json_t *tree_array(struct tree *tree)
{
	return checked(tree, json_array());
}

void tree_put(struct tree *tree, json_t *object, const char *key, json_t *value)
{
	if (json_object_set_new(object, key, value))
		tree->failed = true;
}

void tree_add(struct tree *tree, json_t *array, json_t *value)
{
	if (json_array_append_new(array, value))
		tree->failed = true;
}
