/* core/sandbox/server/admin_data.c - admin calls about data; see admin.h. */
#include <stdlib.h>
#include <string.h>

#include "core/base/text.h"
#include "core/sandbox/server/admin.h"

static struct cJSON *ws_json(const struct ws_faults *w)
{
	struct cJSON *o = sd_json_object();

	sd_json_add_bool(o, "mute", w->mute);
	sd_json_add_int(o, "refuse", w->refuse);
	sd_json_add_bool(o, "ignoreInit", w->ignore_init);
	sd_json_add_bool(o, "noAck", w->no_ack);
	sd_json_add_bool(o, "dupData", w->dup_data);
	sd_json_add(
		o, "startErrors", w->start_errors ? sd_json_dup(w->start_errors) : sd_json_array());
	return o;
}

static struct cJSON *settings_json(const struct server *s)
{
	struct cJSON *o = sd_json_object();

	sd_json_add_str(o, "strategy", s->o->strategy ? s->o->strategy : "automerge");
	sd_json_add_int(o, "latencyMs", s->latency_ms);
	sd_json_add_int(o, "jitterMs", s->jitter_ms);
	sd_json_add_int(o, "clockOffsetMs", s->clock_offset_ms);
	sd_json_add_int(o, "maxSubscriptions", s->set.max_subscriptions);
	sd_json_add(o, "ws", ws_json(&s->ws));
	sd_json_add(o, "faults", sd_faults_json(&s->faults));
	return o;
}

enum sd_err sd_srv_call_state(struct call *k, struct sd_error *e)
{
	struct server *s = k->c->s;
	struct cJSON *models = NULL, *o;
	enum sd_err rc = sd_sbx_state(s->sbx, sd_srv_now_ms(s), &models, e);

	if (rc != SD_OK)
		return rc;
	o = sd_json_object();
	sd_json_add(o, "models", models);
	sd_json_add_int(o, "connections", (int64_t)s->realtime_count);
	sd_json_add_int(o, "subscriptions", (int64_t)sd_sbx_subscription_count(s->sbx));
	sd_json_add(o, "settings", settings_json(s));
	sd_json_print(o, &k->out);
	sd_json_free(o);
	return SD_OK;
}

enum sd_err sd_srv_admin_model(struct call *k, const char *name, struct sd_error *e)
{
	if (!name)
		return sd_fail(e, SD_INVAL, 0, "\"model\" is needed");
	if (!sd_schema_model(k->c->s->schema, name))
		return sd_fail(
			e, SD_NOTFOUND, 0, "there is no model %s; GET state lists them", name);
	return SD_OK;
}

enum sd_err sd_srv_call_sdl(struct call *k, struct sd_error *e)
{
	k->type = "text/plain; charset=UTF-8";
	return sd_sbx_sdl(k->c->s->sbx, &k->out, e);
}

enum sd_err sd_srv_call_reset(struct call *k, struct sd_error *e)
{
	struct server *s = k->c->s;

	sd_reqlog_clear(&s->log);
	sd_faults_clear(&s->faults);
	sd_srv_ws_faults_clear(&s->ws);
	s->latency_ms = s->jitter_ms = 0;
	sd_srv_work_end(s, "a reset came in between");
	return sd_sbx_reset(s->sbx, e);
}

enum sd_err sd_srv_call_seed(struct call *k, struct sd_error *e)
{
	struct server *s = k->c->s;
	const char *model = sd_json_get_str(k->body, "model");
	int64_t count = sd_json_get_i64(k->body, "count", -1);
	int64_t seed = sd_json_get_i64(k->body, "seed", 1);
	struct sd_sbx_work *work;
	enum sd_err rc = sd_srv_admin_model(k, model, e);

	if (rc == SD_OK && (count < 0 || count > 10000000))
		rc = sd_fail(e, SD_INVAL, 0, "\"count\" must be a whole number up to 10000000");
	if (rc == SD_OK)
		rc = sd_sbx_seed_work(
			s->sbx, model, count, (uint64_t)seed, sd_srv_now_ms(s), &work, e);
	return rc == SD_OK ? sd_srv_work(k, work, e) : rc;
}

enum sd_err sd_srv_call_put(struct call *k, struct sd_error *e)
{
	struct server *s = k->c->s;
	const char *model = sd_json_get_str(k->body, "model");
	struct sd_sbx_work *work;
	enum sd_err rc = sd_srv_admin_model(k, model, e);

	if (rc == SD_OK && !sd_json_is_array(sd_json_get(k->body, "items")))
		rc = sd_fail(e, SD_INVAL, 0, "\"items\" must be an array of rows");
	if (rc == SD_OK)
		rc = sd_sbx_put_work(s->sbx, model, sd_json_detach(k->body, "items"), &work, e);
	return rc == SD_OK ? sd_srv_work(k, work, e) : rc;
}

struct caller {
	struct server *s;
	uint64_t conn;
};

static void mutated(void *ctx, const struct sd_sbx_answer *a)
{
	struct caller *who = ctx;
	struct conn *c = sd_srv_conn(who->s, who->conn);

	if (a && c && !c->kill) {
		struct sd_hs_reply r = {.status = a->status,
			.type = JSON_TYPE,
			.body = sd_buf_text(&a->body),
			.n = a->body.len};
		c->busy = false;
		sd_srv_reply(c, &r);
		if (!c->kill)
			sd_srv_touch(c);
	}
	free(who);
}

/* A conflict handler may have to be asked, which takes its time. */
enum sd_err sd_srv_call_mutate(struct call *k, struct sd_error *e)
{
	struct server *s = k->c->s;
	struct caller *who;
	const char *op = sd_json_get_str(k->body, "op");
	const char *model = sd_json_get_str(k->body, "model");
	const struct cJSON *input = sd_json_get(k->body, "input");
	enum sd_err rc = sd_srv_admin_model(k, model, e);

	if (rc != SD_OK)
		return rc;
	if (!op || (strcmp(op, "create") != 0 && strcmp(op, "update") != 0 &&
			   strcmp(op, "delete") != 0))
		return sd_fail(e, SD_INVAL, 0, "\"op\" must be create, update or delete");
	if (!sd_json_is_object(input))
		return sd_fail(e, SD_INVAL, 0, "\"input\" must be an object");
	who = calloc(1, sizeof *who);
	if (!who)
		return sd_fail(e, SD_NOMEM, 0, "out of memory");
	*who = (struct caller){s, k->c->id};
	k->later = true;
	k->c->busy = true;
	sd_sbx_submit_mutate(s->sbx, op, model, input, sd_srv_now_ms(s), mutated, who);
	return SD_OK;
}

enum sd_err sd_srv_call_purge(struct call *k, struct sd_error *e)
{
	struct sd_sbx_work *work;
	enum sd_err rc = sd_sbx_purge_work(k->c->s->sbx, &work, e);

	return rc == SD_OK ? sd_srv_work(k, work, e) : rc;
}

/* {"sdl":TEXT}: the schema from now on (`syncdeck push`).  Realtime connections end, so that their
 * clients come back and subscribe anew. */
enum sd_err sd_srv_call_schema(struct call *k, struct sd_error *e)
{
	const char *sdl = sd_json_get_str(k->body, "sdl");
	struct server *s = k->c->s;
	struct sd_schema *schema = NULL;
	enum sd_err rc;

	if (!sdl)
		return sd_fail(e, SD_INVAL, 0, "\"sdl\" must be the text of a schema");
	rc = sd_schema_read(sdl, strlen(sdl), "schema", &schema, e);
	if (rc == SD_OK) {
		sd_srv_work_end(s, "another schema was pushed"); /* it knows the old tables */
		rc = sd_sbx_schema(s->sbx, schema, e);
	}
	if (rc != SD_OK) {
		sd_schema_free(schema);
		return rc;
	}
	sd_schema_free(s->pushed);
	s->pushed = schema;
	s->schema = schema;
	for (size_t i = 0; i < s->conn_room; i++)
		if (s->conns[i] && s->conns[i]->ws && !s->conns[i]->kill)
			sd_srv_kill(s->conns[i], false);
	sd_buf_fmt(&k->out, "{\"hash\":\"%s\",\"models\":%zu}", schema->hash, schema->model_count);
	return SD_OK;
}
