/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * JSON trees of untrusted text, built without a check at each leaf: a builder remembers
 * that something failed (memory was short), and who prints the tree asks it once.
 */
#ifndef WS_REPORT_TREE_H
#define WS_REPORT_TREE_H

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>

struct tree {
	bool failed;
};

/* Cleaned as report_clean() does; NULL becomes null. */
json_t *tree_text(struct tree *tree, const char *text);
/* "0xc0100000": numbers of 64 bits are not safe in JSON. */
json_t *tree_hex(struct tree *tree, uint64_t number);
json_t *tree_number(struct tree *tree, uint64_t number);
json_t *tree_object(struct tree *tree);
json_t *tree_array(struct tree *tree);

/* Both take value over. */
void tree_put(struct tree *tree, json_t *object, const char *key, json_t *value);
void tree_add(struct tree *tree, json_t *array, json_t *value);

#endif
