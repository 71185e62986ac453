/*
 * core/json/names.h - member names that are kept once for the whole process.  Private to core/json.
 *
 * Records come by the hundred thousand and have the same few names.  A kept name is never freed,
 * so a tree may point to it (cJSON_StringIsConst) and go to another thread.  The table is small and
 * does not grow: with names of somebody's making it fills up, and the rest are copied as before.
 *
 * Threads: any; no lock.
 */
#ifndef SD_JSON_NAMES_H
#define SD_JSON_NAMES_H

#include <stddef.h>
#include <stdint.h>

#define SD_JSON_NAME_BYTES 48 /* longest name kept */

/* The kept copy of s[0..n), which has no NUL; NULL: it is not kept.  *hash gets a hash of s. */
const char *sd_json_name_kept(const char *s, size_t n, uint32_t *hash);

#endif
