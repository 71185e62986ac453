/* tests/support/schema_look.c - see schema_look.h. */
#include "tests/support/schema_look.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "core/json/json.h"

struct sd_schema *look_load(const char *text)
{
	struct sd_schema *s = NULL;
	struct sd_error e = {0};
	enum sd_err rc = sd_schema_read(text, strlen(text), "test.graphql", &s, &e);

	if (rc)
		fail_msg("%s", e.text);
	return s;
}

const char *look_names(char *const *v, size_t n)
{
	static char text[8][512];
	static unsigned turn;
	char *o = text[turn++ % 8];
	size_t len = 0;

	*o = 0;
	for (size_t i = 0; i < n; i++)
		len += (size_t)snprintf(o + len, sizeof text[0] - len, "%s%s", i ? " " : "", v[i]);
	return o;
}

struct sd_schema *look_load_file(const char *path)
{
	struct sd_schema *s = NULL;
	struct sd_error e = {0};

	if (sd_schema_read_file(path, &s, &e))
		fail_msg("%s", e.text);
	return s;
}

const struct sd_field *look_field(const struct sd_schema *s, const char *model, const char *f)
{
	const struct sd_model *m = sd_schema_model(s, model);
	const struct sd_field *got;

	if (!m)
		fail_msg("no model %s", model);
	got = sd_model_field(m, f);
	if (!got)
		fail_msg("no field %s.%s", model, f);
	return got;
}

void look_joins(const struct sd_schema *s, const char *model, const char *f, enum sd_assoc assoc,
	const char *local, const char *remote)
{
	const struct sd_field *r = look_field(s, model, f);

	assert_int_equal(r->kind, SD_K_MODEL);
	assert_int_equal(r->assoc, assoc);
	assert_string_equal(look_names(r->local, r->join_count), local);
	assert_string_equal(look_names(r->remote, r->join_count), remote);
}

void look_type_is(const struct sd_schema *s, const char *model, const char *f, const char *want)
{
	struct sd_buf b = SD_BUF_INIT;

	assert_true(sd_field_type_text(look_field(s, model, f), &b));
	if (strcmp(sd_buf_text(&b), want) != 0)
		fail_msg("%s.%s is %s, not %s", model, f, sd_buf_text(&b), want);
	sd_buf_release(&b);
}

void look_key_is(const struct sd_schema *s, const char *model, const char *want)
{
	const struct sd_model *m = sd_schema_model(s, model);
	const char *v[16];
	char *copy[16];

	for (size_t i = 0; i < m->pk_count; i++) {
		v[i] = m->fields[m->pk[i]].name;
		memcpy(&copy[i], &v[i], sizeof v[i]);
		assert_true(sd_model_is_key(m, &m->fields[m->pk[i]]));
	}
	assert_string_equal(look_names(copy, m->pk_count), want);
}

const char *look_positions(const struct sd_model *m, const size_t *at, size_t n)
{
	char *v[16];

	for (size_t i = 0; i < n; i++)
		v[i] = m->fields[at[i]].name;
	return look_names(v, n);
}

bool look_has_note(const struct sd_schema *s, const char *part)
{
	for (size_t i = 0; i < s->note_count; i++)
		if (strstr(s->notes[i], part))
			return true;
	return false;
}

void look_check_whole(const struct sd_schema *s, const char *what)
{
	char *seen = calloc(s->model_count + 1, 1);

	assert_non_null(seen);
	assert_int_equal(strlen(s->hash), 64);
	for (size_t i = 0; i < s->model_count; i++) {
		const struct sd_model *m = s->models[i];

		assert_int_equal(m->id, i);
		assert_true(m->pk_count > 0 && *m->plural);
		assert_false(seen[s->parents_first[i]]++);
		assert_ptr_equal(sd_schema_model(s, m->name), m);
		if (m->created_at)
			assert_non_null(sd_model_field(m, m->created_at));
		for (size_t k = 0; k < m->field_count; k++) {
			const struct sd_field *f = &m->fields[k];

			assert_ptr_equal(sd_model_field(m, f->name), f);
			assert_int_equal(f->stored, f->kind != SD_K_MODEL);
			assert_true(f->name[0] != '_');
			for (size_t j = 0; j < f->join_count; j++) {
				const struct sd_field *a = sd_model_field(m, f->local[j]);
				const struct sd_field *b = sd_model_field(f->model, f->remote[j]);
				if (!a || !b || !a->stored || !b->stored)
					fail_msg("%s: %s.%s joins %s to %s", what, m->name, f->name,
						f->local[j], f->remote[j]);
			}
		}
	}
	free(seen);
}

void look_check_codegen(const struct sd_schema *s, const char *what)
{
	struct cJSON *a = NULL, *b = NULL;
	struct sd_schema *again = NULL;
	struct sd_error e = {0};
	char *text, *text2;

	assert_int_equal(sd_schema_codegen(s, &a, &e), SD_OK);
	text = sd_json_text(a);
	if (sd_schema_read(text, strlen(text), "generated", &again, &e))
		fail_msg("%s: %s", what, e.text);
	assert_int_equal(sd_schema_codegen(again, &b, &e), SD_OK);
	text2 = sd_json_text(b);
	assert_string_equal(text, text2);
	assert_string_equal(s->hash, again->hash);
	for (size_t i = 0; i < s->model_count; i++)
		for (size_t k = 0; k < s->models[i]->field_count; k++) {
			const struct sd_field *f = &s->models[i]->fields[k];
			const struct sd_field *g = look_field(again, s->models[i]->name, f->name);

			assert_int_equal(f->implicit, g->implicit);
			if (f->assoc == SD_A_HAS_MANY && f->target_count)
				continue; /* the generated form cannot say own columns */
			assert_string_equal(look_names(f->local, f->join_count),
				look_names(g->local, g->join_count));
			assert_string_equal(look_names(f->remote, f->join_count),
				look_names(g->remote, g->join_count));
		}
	free(text);
	free(text2);
	sd_json_free(a);
	sd_json_free(b);
	sd_schema_free(again);
}
