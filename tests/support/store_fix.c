/* tests/support/store_fix.c - see store_fix.h. */
#include "tests/support/store_fix.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "core/base/fs.h"
#include "tests/support/support.h"

const char FIX_SDL[] =
	"enum Status { ACTIVE INACTIVE }\n"
	"type Meta { a: String n: Int }\n"
	"type Post @model { id: ID! title: String! rating: Int score: Float done: Boolean\n"
	"  status: Status tags: [String] meta: Meta data: AWSJSON at: AWSDateTime\n"
	"  comments: [Comment] @hasMany(indexName: \"byPost\", fields: [\"id\"])\n"
	"  labels: [Label] @manyToMany(relationName: \"PostLabel\") }\n"
	"type Label @model { id: ID! name: String\n"
	"  posts: [Post] @manyToMany(relationName: \"PostLabel\") }\n"
	"type Comment @model { id: ID! text: String\n"
	"  postID: ID @index(name: \"byPost\", sortKeyFields: [\"text\"])\n"
	"  post: Post @belongsTo(fields: [\"postID\"]) }\n"
	"type Book @model { isbn: ID! @primaryKey(sortKeyFields: [\"title\", \"year\"])\n"
	"  title: String! year: Int! pages: Int }\n"
	"type Site @model { id: ID! name: String parentID: ID @index(name: \"byParent\")\n"
	"  parent: Site @belongsTo(fields: [\"parentID\"])\n"
	"  children: [Site] @hasMany(indexName: \"byParent\", fields: [\"id\"]) }\n";

void assert_int_equal_text(struct fix *f, int got, int want, const char *file, int line)
{
	if (got == want)
		return;
	print_error("error %d: %s\n", got, f->e.text);
	_assert_int_equal(got, want, file, line);
}

struct sd_schema *fix_schema(const char *sdl)
{
	struct sd_schema *s = NULL;
	struct sd_error e = {SD_OK, 0, ""};

	if (sd_schema_read(sdl, strlen(sdl), "test.graphql", &s, &e) != SD_OK) {
		print_error("%s\n", e.text);
		fail();
	}
	return s;
}

void fix_open(struct fix *f)
{
	struct sd_store_opts o = {.dir = f->dir,
		.schema = f->schema,
		.vfs = f->vfs,
		.no_backend = f->no_backend,
		.now_ms = f->now,
		.rand = &f->rand};

	fix_ok(f, sd_store_open(&o, &f->st, &f->e));
}

void fix_close(struct fix *f)
{
	sd_store_close(f->st);
	f->st = NULL;
}

struct fix *fix_new(void)
{
	struct fix *f = calloc(1, sizeof *f);

	assert_non_null(f);
	f->dir = sd_test_dir();
	f->schema = fix_schema(FIX_SDL);
	f->now = 1000000;
	sd_rand_seeded(&f->rand, 7);
	fix_open(f);
	return f;
}

void fix_free(struct fix *f)
{
	fix_close(f);
	sd_schema_free(f->schema);
	sd_test_dir_remove(f->dir);
	free(f);
}

enum sd_err fix_reopen(struct fix *f, const char *sdl)
{
	struct sd_schema *s = fix_schema(sdl);
	struct sd_store_opts o = {
		.dir = f->dir, .schema = s, .vfs = f->vfs, .now_ms = f->now, .rand = &f->rand};

	fix_close(f);
	sd_schema_free(f->schema);
	f->schema = s;
	return sd_store_open(&o, &f->st, &f->e);
}

const struct sd_model *fix_model(struct fix *f, const char *name)
{
	const struct sd_model *m = sd_schema_model(f->schema, name);

	assert_non_null(m);
	return m;
}

struct cJSON *fix_json(const char *text)
{
	char *copy = strdup(text);
	struct cJSON *j = NULL;
	struct sd_error e = {SD_OK, 0, ""};

	assert_non_null(copy);
	for (char *p = copy; *p; p++)
		if (*p == '\'')
			*p = '"';
	if (sd_json_parse(copy, strlen(copy), "test", &j, &e) != SD_OK) {
		print_error("%s: %s\n", copy, e.text);
		fail();
	}
	free(copy);
	return j;
}

void fix_begin(struct fix *f)
{
	fix_ok(f, sd_store_begin(f->st, &f->e));
}

void fix_commit(struct fix *f)
{
	fix_ok(f, sd_store_commit(f->st, &f->e));
}

static enum sd_err end(struct fix *f, enum sd_err rc)
{
	if (rc == SD_OK)
		fix_commit(f);
	else
		sd_store_rollback(f->st);
	return rc;
}

enum sd_err fix_save_if(struct fix *f, const char *model, const char *fields, const char *cond)
{
	const struct sd_model *m = fix_model(f, model);
	struct sd_write_env env = {.now_ms = ++f->now, .rand = &f->rand};
	struct cJSON *j = fix_json(fields);
	struct sd_pred *p = NULL;
	enum sd_err rc = SD_OK;

	if (cond)
		rc = sd_pred_parse(f->schema, m, cond, &p, &f->e);
	if (rc == SD_OK) {
		fix_begin(f);
		rc = end(f, sd_write_save(f->st, m, SD_SAVE_UPSERT, j, p, &env, NULL, NULL, &f->e));
	}
	sd_pred_free(p);
	sd_json_free(j);
	return rc;
}

enum sd_err fix_save(struct fix *f, const char *model, const char *fields)
{
	return fix_save_if(f, model, fields, NULL);
}

enum sd_err fix_delete(struct fix *f, const char *model, const char *key)
{
	struct sd_write_env env = {.now_ms = ++f->now, .rand = &f->rand};

	fix_begin(f);
	return end(f,
		sd_write_delete(f->st, fix_model(f, model), key, NULL, false, &env, NULL, &f->e));
}

enum sd_err fix_apply(struct fix *f, const char *model, const char *items, bool base,
	struct sd_apply_counts *counts)
{
	struct sd_apply_counts none = {0};
	struct cJSON *j = fix_json(items);
	const struct cJSON *list[64];
	size_t n = 0;
	enum sd_err rc;

	for (struct cJSON *c = sd_json_child(j); c; c = sd_json_next(c)) {
		assert_true(n < 64);
		list[n++] = c;
	}
	fix_begin(f);
	rc = end(f, sd_apply(f->st, fix_model(f, model), list, n,
			    base ? SD_FROM_SYNC : SD_FROM_SUBSCRIPTION, base, ++f->now,
			    counts ? counts : &none, &f->e));
	sd_json_free(j);
	return rc;
}

enum sd_err fix_sending(struct fix *f, int64_t seq)
{
	struct sd_mutation m;
	enum sd_err rc = sd_outbox_get(f->st, seq, &m, &f->e);

	if (rc != SD_OK)
		return rc;
	rc = sd_outbox_send(f->st, &m, &f->e);
	sd_mutation_release(&m);
	return rc;
}

enum sd_err fix_acked(struct fix *f, int64_t seq, const struct cJSON *item, int64_t now)
{
	struct sd_mutation m;
	enum sd_err rc = sd_outbox_get(f->st, seq, &m, &f->e);

	if (rc != SD_OK)
		return rc;
	rc = sd_outbox_acked(f->st, &m, item, now, &f->e);
	sd_mutation_release(&m);
	return rc;
}

enum sd_err fix_ack(struct fix *f, int64_t seq, const char *item)
{
	struct cJSON *j = fix_json(item);
	enum sd_err rc;

	fix_begin(f);
	rc = end(f, fix_acked(f, seq, j, ++f->now));
	sd_json_free(j);
	return rc;
}

struct sent {
	struct fix *f;
	struct sd_mutation m;
};

static bool copy_one(void *ctx, struct sd_mutation *m)
{
	struct sent *s = ctx;

	s->m = *m;
	s->m.key = strdup(m->key);
	s->m.fields = sd_json_dup(m->fields);
	s->m.condition = s->m.error_type = s->m.error_message = NULL;
	return false;
}

int64_t fix_send_one(struct fix *f)
{
	struct sent s = {.f = f};
	struct sd_shadow sh;
	struct cJSON *item;
	int64_t next, seq, version;

	fix_ok(f, sd_outbox_due(f->st, ++f->now, 1, copy_one, &s, &next, &f->e));
	if (!s.m.seq)
		return 0;
	fix_begin(f);
	fix_ok(f, fix_sending(f, s.m.seq));
	fix_commit(f);
	fix_ok(f, sd_shadow_get(f->st, s.m.model, s.m.key, &sh, &f->e));
	item = sh.server ? sd_json_dup(sh.server) : sd_json_object();
	fix_ok(f, sd_key_put(s.m.model, s.m.key, item, &f->e));
	for (struct cJSON *c = sd_json_child(s.m.fields); c; c = sd_json_next(c))
		assert_true(sd_json_set(item, sd_json_name(c), sd_json_dup(c)));
	version = sd_json_get_i64(sh.server, "_version", 0) + 1;
	sd_json_set(item, "_version", sd_json_int(version));
	sd_json_set(item, "_lastChangedAt", sd_json_int(++f->now));
	sd_json_set(item, "_deleted", s.m.op == SD_OP_DELETE ? sd_json_bool(true) : sd_json_null());
	fix_begin(f);
	fix_ok(f, fix_acked(f, s.m.seq, item, f->now));
	fix_commit(f);
	seq = s.m.seq;
	sd_json_free(item);
	sd_shadow_release(&sh);
	sd_mutation_release(&s.m);
	return seq;
}

void fix_send_all(struct fix *f)
{
	while (fix_send_one(f))
		;
}

char *fix_rec(struct fix *f, const char *model, const char *key)
{
	struct cJSON *rec = NULL;
	enum sd_err rc = sd_rec_get(f->st, fix_model(f, model), key, true, &rec, &f->e);
	char *text;

	if (rc == SD_NOTFOUND)
		return strdup("");
	fix_ok(f, rc);
	text = sd_json_text(rec);
	sd_json_free(rec);
	return text;
}

static char *quoted(const char *s)
{
	char *copy = strdup(s);

	for (char *p = copy; copy && *p; p++)
		if (*p == '\'')
			*p = '"';
	return copy;
}

static void same(char *got, const char *want)
{
	char *w = quoted(want);

	assert_string_equal(got, w);
	free(w);
	free(got);
}

void fix_expect(struct fix *f, const char *model, const char *key, const char *want)
{
	same(fix_rec(f, model, key), want);
}

void fix_field(
	struct fix *f, const char *model, const char *key, const char *name, const char *want)
{
	struct cJSON *rec = NULL;
	enum sd_err rc = sd_rec_get(f->st, fix_model(f, model), key, true, &rec, &f->e);

	if (rc == SD_NOTFOUND) {
		assert_string_equal("", want);
		return;
	}
	fix_ok(f, rc);
	same(sd_json_text(sd_json_get(rec, name)), want);
	sd_json_free(rec);
}

static bool add_entry(void *ctx, struct sd_mutation *m)
{
	struct sd_buf *b = ctx;

	sd_buf_fmt(b, "%s%lld %s %s %s ", b->len ? "; " : "", (long long)m->seq, sd_op_name(m->op),
		m->model->name, m->key);
	sd_json_print(m->fields, b);
	sd_buf_fmt(b, " %s v%lld", sd_lane_name(m->lane), (long long)m->version);
	if (m->condition)
		sd_buf_fmt(b, " if %s", m->condition);
	if (m->unknown)
		sd_buf_str(b, " unknown");
	return true;
}

void fix_queue(struct fix *f, const char *want)
{
	struct sd_buf b = SD_BUF_INIT;

	fix_ok(f, sd_outbox_each(f->st, 0, -1, add_entry, &b, &f->e));
	same(strdup(sd_buf_text(&b)), want);
	sd_buf_release(&b);
}

int64_t fix_total(struct fix *f, const char *model)
{
	int64_t n = -1;

	fix_ok(f, sd_rec_total(f->st, fix_model(f, model), &n, &f->e));
	return n;
}

static bool add_line(void *ctx, const struct sd_journal *j)
{
	static const char *const KIND[] = {
		"INSERT", "UPDATE", "DELETE", "META", "OUTBOX", "CONFLICT", "SYNC"};
	struct sd_buf *b = ctx;

	sd_buf_fmt(
		b, "%s%s %s", b->len ? "; " : "", KIND[j->kind], j->model ? j->model->name : "-");
	if (j->key)
		sd_buf_fmt(b, " %s", j->key);
	if (j->rid_from)
		sd_buf_fmt(b, " %lld..%lld", (long long)j->rid_from, (long long)j->rid_to);
	sd_buf_fmt(b, " %s", sd_source_name(j->source));
	if (j->kind != SD_J_OUTBOX && j->changed) {
		sd_buf_ch(b, ' ');
		sd_json_print(j->changed, b);
	}
	if (j->text)
		sd_buf_fmt(b, " (%s)", j->text);
	return true;
}

char *fix_journal(struct fix *f, int64_t after)
{
	struct sd_buf b = SD_BUF_INIT;

	fix_ok(f, sd_journal_each(f->st, after, 0, add_line, &b, &f->e));
	return b.len ? sd_buf_take(&b) : strdup("");
}

void fix_sound(struct fix *f)
{
	fix_ok(f, sd_store_check(f->st, &f->e));
}

char *fix_path(const struct fix *f, const char *name)
{
	return sd_path_join(f->dir, name);
}

enum sd_err fix_open_again(struct fix *f)
{
	struct sd_store_opts o = {
		.dir = f->dir, .schema = f->schema, .now_ms = f->now, .rand = &f->rand};

	fix_close(f);
	f->e.text[0] = '\0';
	return sd_store_open(&o, &f->st, &f->e);
}

int fix_setup(void **st)
{
	*st = fix_new();
	return 0;
}

int fix_teardown(void **st)
{
	fix_free(*st);
	return 0;
}

void fix_two_posts(struct fix *f)
{
	fix_ok(f, fix_save(f, "Post", "{'id':'a','title':'A'}"));
	fix_ok(f, fix_save(f, "Post", "{'id':'b','title':'B'}"));
}

void fix_give(struct fix *f, uid_t uid)
{
	static const char *const NAME[] = {"", "store.db", "store.db.made"};

	for (size_t i = 0; i < 3 && geteuid() == 0; i++) {
		char *p = fix_path(f, NAME[i]);
		assert_int_equal(chown(p, uid, uid), 0);
		free(p);
	}
}
