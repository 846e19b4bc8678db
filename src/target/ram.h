/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef WS_TARGET_RAM_H
#define WS_TARGET_RAM_H

#include "target/target.h"

/*
 * Adds raw memory as the memory map in it says that it lies, with a note where that is not
 * byte n at physical address n. WS_ERR_NOT_FOUND, without a message: no map in it fits the
 * file's size; nothing was added.
 */
enum ws_status ws_raw_place(struct ws_target *target) WS_MUST_CHECK;

#endif
