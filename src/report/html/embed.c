/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Files as C arrays: embed HEADER NAME: FILE... [NAME: FILE...]... >parts.c
 *
 * An array holds its files one after the other. Run when the tool is built: C23 has
 * #embed, C17 has this.
 */
#include <stdio.h>
#include <string.h>

/* Adds to the n bytes of an array that is being printed; returns false if it cannot. */
static int embed(const char *path, size_t *n)
{
	FILE *in = fopen(path, "rb");
	int c, failed;

	if (!in) {
		perror(path);
		return 0;
	}
	for (; (c = getc(in)) != EOF; ++*n)
		printf("%s%d,", *n % 24 ? "" : "\n\t", c);
	failed = ferror(in);
	fclose(in);
	return !failed;
}

static int is_name(const char *argument)
{
	return argument[strlen(argument) - 1] == ':';
}

int main(int argc, char **argv)
{
	int i = 2;

	if (argc < 4 || !is_name(argv[2]))
		return 2;
	printf("#include \"%s\"\n", argv[1]);
	while (i < argc) {
		const char *name = argv[i++];
		int length = (int)strlen(name) - 1;
		size_t n = 0;

		printf("const unsigned char %.*s[] = {", length, name);
		for (; i < argc && !is_name(argv[i]); i++)
			if (!embed(argv[i], &n))
				return 1;
		printf("\n};\nconst size_t %.*s_size = %zu;\n", length, name, n);
	}
	return fflush(stdout) || ferror(stdout) ? 1 : 0;
}
