/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* mk <TEXT >DUMP: mk.h says what the text is. */
#include "mk/mk.h"

#include <stdlib.h>

int main(void)
{
	struct mk mk = { 0 };
	char *text = NULL;
	size_t cap = 0;
	bool good = getdelim(&text, &cap, '\0', stdin) > 0 && mk_build(&mk, text) &&
		    fwrite(mk.bytes, 1, mk.size, stdout) == mk.size;

	mk_release(&mk);
	free(text);
	return good ? EXIT_SUCCESS : EXIT_FAILURE;
}
