/*
 * core/model/plural.h - the plural of a type name, as the service names its root fields.
 *
 * Rules: spec/server.md 1.3 "Plural rule".  Threads: no state.
 */
#ifndef SD_MODEL_PLURAL_H
#define SD_MODEL_PLURAL_H

char *sd_plural(const char *word); /* owned; NULL: out of memory */

#endif
