/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What an autopsy came to, for the page. */
#include "report/html_data.h"

static json_t *hex_if(struct tree *tree, bool known, uint64_t number)
{
	return known ? tree_hex(tree, number) : json_null();
}

static json_t *clue_data(struct tree *tree, const struct ws_clue *clue)
{
	json_t *object = tree_object(tree);

	tree_put(tree, object, "about", tree_text(tree, clue->about));
	tree_put(tree, object, "va", hex_if(tree, clue->has_va, clue->va));
	tree_put(tree, object, "pa", hex_if(tree, clue->has_pa, clue->pa));
	tree_put(tree, object, "text", tree_text(tree, clue->text));
	return object;
}

static json_t *cause_data(struct tree *tree, const struct ws_cause *cause)
{
	json_t *object = cause ? tree_object(tree) : json_null();

	if (!cause)
		return object;
	tree_put(tree, object, "id", tree_text(tree, cause->id));
	tree_put(tree, object, "name", tree_text(tree, cause->name));
	tree_put(tree, object, "meaning", tree_text(tree, cause->meaning));
	tree_put(tree, object, "fix", tree_text(tree, cause->fix));
	return object;
}

json_t *html_death_data(struct tree *tree, const struct ws_autopsy *autopsy)
{
	const struct ws_death *death = ws_autopsy_death(autopsy);
	json_t *object = tree_object(tree), *list = tree_array(tree);
	size_t n;
	const struct ws_clue *clues = ws_autopsy_clues(autopsy, &n);

	for (size_t i = 0; i < n; i++)
		tree_add(tree, list, clue_data(tree, &clues[i]));
	tree_put(tree, object, "sentence", tree_text(tree, death->sentence));
	tree_put(tree, object, "cause", cause_data(tree, death->cause));
	tree_put(tree, object, "certainty",
		 tree_text(tree, ws_certainty_name(death->certainty)));
	tree_put(tree, object, "unknown", tree_text(tree, death->unknown));
	tree_put(tree, object, "clues", list);
	return object;
}
