/* tests/support/pred_world.c - see pred_world.h. */
#include "tests/support/pred_world.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <sqlite3.h>

#include "core/json/json.h"

static const char SDL[] =
	"enum Status { ACTIVE INACTIVE DONE }\n"
	"type Meta { a: String n: Int }\n"
	"type Blog @model @auth(rules: [{allow: owner}]) {\n"
	"  id: ID! name: String! posts: [Post] @hasMany(indexName: \"byBlog\", fields: [\"id\"])\n"
	"}\n"
	"type Post @model @auth(rules: [{allow: owner, ownerField: \"writer\"},\n"
	"    {allow: groups, groupsField: \"teams\"}]) {\n"
	"  id: ID! title: String! body: String rating: Int score: Float done: Boolean\n"
	"  status: Status states: [Status] tags: [String] nums: [Int] day: AWSDate at: "
	"AWSDateTime\n"
	"  ts: AWSTimestamp payload: AWSJSON meta: Meta writer: String teams: [String]\n"
	"  blogId: ID @index(name: \"byBlog\") blog: Blog @belongsTo(fields: [\"blogId\"])\n"
	"  comments: [Comment] @hasMany(indexName: \"byPost\", fields: [\"id\"])\n"
	"}\n"
	"type Comment @model {\n"
	"  id: ID! text: String postId: ID @index(name: \"byPost\")\n"
	"  post: Post @belongsTo(fields: [\"postId\"])\n"
	"}\n";

struct sd_schema *schema;
const struct sd_model *post;

/* ---- a little database: rows in memory and the same in SQLite ---- */

const char *const world_models[3] = {"Blog", "Post", "Comment"};

static void exec(sqlite3 *db, const char *sql)
{
	char *why = NULL;

	if (sqlite3_exec(db, sql, NULL, NULL, &why) != SQLITE_OK)
		fail_msg("%s\n  in: %s", why, sql);
}

static void bind_json(sqlite3_stmt *s, int at, const struct cJSON *v, bool as_json)
{
	int64_t i;
	double d;
	char *text;

	if (sd_json_is_null(v))
		sqlite3_bind_null(s, at);
	else if (as_json || sd_json_is_array(v) || sd_json_is_object(v)) {
		text = sd_json_text(v);
		sqlite3_bind_text(s, at, text, -1, SQLITE_TRANSIENT);
		free(text);
	} else if (sd_json_is_bool(v))
		sqlite3_bind_int(s, at, sd_json_is_true(v));
	else if (sd_json_i64(v, &i))
		sqlite3_bind_int64(s, at, i);
	else if (sd_json_f64(v, &d))
		sqlite3_bind_double(s, at, d);
	else
		sqlite3_bind_text(s, at, sd_json_str(v), -1, SQLITE_TRANSIENT);
}

static const char *column_type(const struct sd_field *f)
{
	if (f->list || f->kind != SD_K_SCALAR)
		return "TEXT";
	switch (f->scalar) {
	case SD_T_INT:
	case SD_T_BOOLEAN:
	case SD_T_AWSTIMESTAMP:
		return "INTEGER";
	case SD_T_FLOAT:
		return "REAL";
	default:
		return "TEXT";
	}
}

static void create(struct world *w, const struct sd_model *m)
{
	struct sd_buf b = SD_BUF_INIT;

	sd_buf_fmt(&b, "CREATE TABLE \"r_%s\"(", m->name);
	for (size_t i = 0; i < m->field_count; i++)
		if (m->fields[i].stored)
			sd_buf_fmt(&b, "\"%s\" %s,", m->fields[i].name, column_type(&m->fields[i]));
	sd_buf_str(&b, "_version INTEGER,_lastChangedAt INTEGER,_deleted INTEGER,_st INTEGER)");
	exec(w->db, sd_buf_text(&b));
	sd_buf_release(&b);
}

static int state_code(const char *s)
{
	static const char *const NAMES[] = {
		"synced", "pending", "sending", "conflict", "refused", "quarantined"};

	for (int i = 0; s && i < 6; i++)
		if (strcmp(NAMES[i], s) == 0)
			return i;
	return s && strcmp(s, "local") == 0 ? 1 : 0;
}

/* Puts a record into the table; every stored field in schema order, then the metadata. */
static void insert(struct world *w, const struct sd_model *m, const struct cJSON *rec)
{
	struct sd_buf b = SD_BUF_INIT;
	sqlite3_stmt *s;
	int at = 0;

	sd_buf_fmt(&b, "INSERT INTO \"r_%s\" VALUES(", m->name);
	for (size_t i = 0; i < m->field_count; i++)
		if (m->fields[i].stored)
			sd_buf_str(&b, "?,");
	sd_buf_str(&b, "?,?,?,?)");
	assert_int_equal(sqlite3_prepare_v2(w->db, sd_buf_text(&b), -1, &s, NULL), SQLITE_OK);
	for (size_t i = 0; i < m->field_count; i++)
		if (m->fields[i].stored)
			bind_json(s, ++at, sd_json_get(rec, m->fields[i].name),
				m->fields[i].kind == SD_K_SCALAR &&
					m->fields[i].scalar == SD_T_AWSJSON);
	bind_json(s, ++at, sd_json_get(rec, "_version"), false);
	bind_json(s, ++at, sd_json_get(rec, "_lastChangedAt"), false);
	sqlite3_bind_int(s, ++at, sd_json_is_true(sd_json_get(rec, "_deleted")));
	sqlite3_bind_int(s, ++at, state_code(sd_json_get_str(rec, "_state")));
	assert_int_equal(sqlite3_step(s), SQLITE_DONE);
	sqlite3_finalize(s);
	sd_buf_release(&b);
}

void world_open(struct world *w)
{
	assert_int_equal(sqlite3_open(":memory:", &w->db), SQLITE_OK);
	for (int i = 0; i < 3; i++) {
		w->rows[i] = sd_json_array();
		create(w, sd_schema_model(schema, world_models[i]));
	}
}

void world_close(struct world *w)
{
	for (int i = 0; i < 3; i++)
		sd_json_free(w->rows[i]);
	sqlite3_close(w->db);
}

void world_add(struct world *w, int model, struct cJSON *rec)
{
	insert(w, sd_schema_model(schema, world_models[model]), rec);
	assert_true(sd_json_push(w->rows[model], rec));
}

static void add_text(struct world *w, int model, const char *json)
{
	struct cJSON *j;
	struct sd_error e;

	if (sd_json_parse(json, strlen(json), "row", &j, &e) != SD_OK)
		fail_msg("%s", e.text);
	world_add(w, model, j);
}

const struct cJSON *world_related(
	void *ctx, const struct sd_field *rel, const struct cJSON *rec, size_t nth)
{
	const struct world *w = ctx;
	const struct cJSON *r;
	int model = 0;

	while (strcmp(world_models[model], rel->model->name) != 0)
		model++;
	for (r = sd_json_child(w->rows[model]); r; r = sd_json_next(r)) {
		bool joined = true;
		for (size_t i = 0; i < rel->join_count; i++) {
			const char *a = sd_json_get_str(rec, rel->local[i]);
			const char *b = sd_json_get_str(r, rel->remote[i]);
			joined = joined && a && b && strcmp(a, b) == 0;
		}
		if (joined && nth-- == 0)
			return r;
	}
	return NULL;
}

struct sd_pred *pred_of(const char *text)
{
	struct sd_pred *p = NULL;
	struct sd_error e = {0};

	if (sd_pred_parse(schema, post, text, &p, &e) != SD_OK)
		fail_msg("%s\n  in: %s", e.text, text);
	return p;
}

/* ids of the posts that pass, in the table's order, as "1 2 5". */
void ids_by_sql(struct world *w, const struct sd_pred *p, struct sd_buf *out)
{
	struct sd_buf where = SD_BUF_INIT, sql = SD_BUF_INIT;
	struct cJSON *binds = sd_json_array();
	const struct cJSON *c;
	struct sd_error e;
	sqlite3_stmt *s;
	int at = 2, hit;

	assert_int_equal(sd_pred_sql(p, "t", 2, NOW_MS, &where, binds, &e), SD_OK);
	/* NOT and IS tell a NULL result: each row must answer 0 or 1 */
	sd_buf_fmt(&sql, "SELECT \"id\", (%s) FROM \"r_Post\" AS \"t\" WHERE ?1 = 5 ORDER BY rowid",
		sd_buf_text(&where));
	if (sqlite3_prepare_v2(w->db, sd_buf_text(&sql), -1, &s, NULL) != SQLITE_OK)
		fail_msg("%s\n  in: %s", sqlite3_errmsg(w->db), sd_buf_text(&sql));
	sqlite3_bind_int(s, 1, 5);
	for (c = sd_json_child(binds); c; c = sd_json_next(c))
		bind_json(s, at++, c, false);
	assert_int_equal(sqlite3_bind_parameter_count(s), at - 1);
	while (sqlite3_step(s) == SQLITE_ROW) {
		assert_int_equal(sqlite3_column_type(s, 1), SQLITE_INTEGER);
		hit = sqlite3_column_int(s, 1);
		assert_true(hit == 0 || hit == 1);
		if (hit)
			sd_buf_fmt(out, "%s ", (const char *)sqlite3_column_text(s, 0));
	}
	assert_int_equal(sqlite3_finalize(s), SQLITE_OK);
	sd_json_free(binds);
	sd_buf_release(&where);
	sd_buf_release(&sql);
}

void ids_in_memory(struct world *w, const struct sd_pred *p, struct sd_buf *out)
{
	const struct cJSON *r;

	for (r = sd_json_child(w->rows[1]); r; r = sd_json_next(r))
		if (sd_pred_eval(p, r, NOW_MS, world_related, w))
			sd_buf_fmt(out, "%s ", sd_json_get_str(r, "id"));
}

/* ---- the fixed ten rows ---- */

void ten_rows(struct world *w)
{
	static const char *const POSTS[] = {
		"{\"id\":\"1\",\"title\":\"[Amplify] a\",\"rating\":1,\"score\":0.5,\"done\":true,"
		"\"status\":\"ACTIVE\",\"tags\":[\"a\",\"b\"],\"nums\":[1,2],\"blogId\":\"b1\"}",
		"{\"id\":\"2\",\"title\":\"A b\",\"rating\":2,\"score\":2,\"done\":false,"
		"\"status\":\"ACTIVE\",\"tags\":[\"b\"],\"nums\":[],\"blogId\":\"b1\"}",
		"{\"id\":\"3\",\"title\":\"100% a_b\",\"rating\":3,\"score\":-1.5,"
		"\"status\":\"INACTIVE\",\"tags\":[],\"blogId\":\"b2\",\"body\":\"x\"}",
		"{\"id\":\"4\",\"title\":\"100x aXb\",\"rating\":4,\"body\":\"\","
		"\"day\":\"2026-11-20\",\"at\":\"2026-11-20T10:00:00.000Z\",\"ts\":1795340000}",
		"{\"id\":\"5\",\"title\":\"B\",\"rating\":5,\"status\":\"DONE\","
		"\"day\":\"2026-11-01\",\"at\":\"2026-11-01T10:00:00.000Z\",\"ts\":1793000000}",
		"{\"id\":\"6\",\"title\":\"b\",\"rating\":9,\"_state\":\"pending\",\"_version\":3}",
		"{\"id\":\"7\",\"title\":\"\xc3\xa9t\xc3\xa9\",\"rating\":10,\"_state\":"
		"\"conflict\","
		"\"_version\":10,\"_lastChangedAt\":1795371006000}",
		"{\"id\":\"8\",\"title\":\"\xe6\x97\xa5\",\"rating\":null,\"_version\":9,"
		"\"_lastChangedAt\":1795000000000}",
		"{\"id\":\"9\",\"title\":\"\xf0\x9f\x98\x80\",\"payload\":{\"k\":[1,\"v\"]},"
		"\"meta\":{\"a\":\"q\"}}",
		"{\"id\":\"10\",\"title\":\"a\\\"b'c\\\\d\",\"_deleted\":true}",
	};

	world_open(w);
	add_text(w, 0, "{\"id\":\"b1\",\"name\":\"one\"}");
	add_text(w, 0, "{\"id\":\"b2\",\"name\":\"two\",\"_deleted\":true}");
	add_text(w, 2, "{\"id\":\"c1\",\"text\":\"hello\",\"postId\":\"1\"}");
	add_text(w, 2, "{\"id\":\"c2\",\"text\":\"bye\",\"postId\":\"1\"}");
	add_text(w, 2, "{\"id\":\"c3\",\"text\":\"hello\",\"postId\":\"2\",\"_deleted\":true}");
	for (size_t i = 0; i < sizeof POSTS / sizeof *POSTS; i++)
		add_text(w, 1, POSTS[i]);
}

void world_expect(struct world *w, const char *text, const char *ids)
{
	struct sd_pred *p = pred_of(text);
	struct sd_buf a = SD_BUF_INIT, b = SD_BUF_INIT;
	char want[256];

	snprintf(want, sizeof want, "%s%s", ids, *ids ? " " : "");
	ids_by_sql(w, p, &a);
	ids_in_memory(w, p, &b);
	if (strcmp(sd_buf_text(&a), want) != 0 || strcmp(sd_buf_text(&b), want) != 0)
		fail_msg("%s\n  sql:    %s\n  memory: %s\n  wanted: %s", text, sd_buf_text(&a),
			sd_buf_text(&b), want);
	sd_pred_free(p);
	sd_buf_release(&a);
	sd_buf_release(&b);
}

int world_setup(void **st)
{
	struct sd_error e = {0};

	(void)st;
	if (sd_schema_read(SDL, strlen(SDL), "test", &schema, &e) != SD_OK) {
		print_error("%s\n", e.text);
		return -1;
	}
	post = sd_schema_model(schema, "Post");
	return 0;
}

int world_teardown(void **st)
{
	(void)st;
	sd_schema_free(schema);
	return 0;
}
