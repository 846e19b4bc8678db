/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The page's sources in this folder, as bytes: made by embed.c when the tool is built. */
#ifndef WS_REPORT_HTML_PARTS_H
#define WS_REPORT_HTML_PARTS_H

#include <stddef.h>

extern const unsigned char html_frame[], html_style[], html_script[];
extern const size_t html_frame_size, html_style_size, html_script_size;

#endif
