/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The words that whosees uses, beside the kernel's and the manual's words for the same. */
#ifndef WHOSEES_GLOSSARY_H
#define WHOSEES_GLOSSARY_H

/* `whosees help words`: for a terminal of 80 columns. */
void glossary_print(void);
/* The same as the table in README.md. */
void glossary_print_markdown(void);

#endif
