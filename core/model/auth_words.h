/*
 * core/model/auth_words.h - the words of authorisation rules and their defaults.  Private to
 * core/model; read by both kinds of readers.
 *
 * Sources: spec/client.md 1.6, spec/server.md 1.9.
 */
#ifndef SD_MODEL_AUTH_WORDS_H
#define SD_MODEL_AUTH_WORDS_H

#include "core/model/schema.h"

int sd_allow_parse(const char *s);                /* enum sd_allow, -1 unknown */
int sd_provider_parse(const char *s);             /* enum sd_provider, -1 unknown */
unsigned sd_operation_parse(const char *s);       /* SD_OP_*_BIT, 0 unknown */
const char *sd_allow_name(enum sd_allow a);       /* "owner" */
const char *sd_provider_name(enum sd_provider p); /* "userPools" */
/* The i-th word that writes a mask, NULL at the end: "create", "update", "delete", "read". */
const char *sd_operation_word(unsigned mask, size_t i);
/* Fills what a rule leaves out; claim is the default identity claim.  false: out of memory. */
bool sd_rule_defaults(struct sd_auth_rule *r, const char *claim);
bool sd_rule_equal(const struct sd_auth_rule *a, const struct sd_auth_rule *b);
/* Adds a copy of r to the model's rules.  false: out of memory. */
bool sd_rule_copy(struct sd_model *m, const struct sd_auth_rule *r);

#endif
