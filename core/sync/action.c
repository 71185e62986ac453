/*
 * core/sync/action.c - what leaves the engine: the ring of actions, the table of requests under
 * way, and events.
 *
 * An action that cannot be kept for want of memory makes the whole input fail (en->oom): the
 * caller rolls back and starts a new engine from the store.
 */
#include "core/sync/internal.h"

#include <stdlib.h>
#include <string.h>

#include "core/json/json.h"

void sd_action_release(struct sd_action *a)
{
	free(a->text);
	free(a->input);
	free(a->sub_id);
	memset(a, 0, sizeof *a);
}

static bool grow_actions(struct sd_engine *en)
{
	size_t room = en->action_room ? en->action_room * 2 : 32;
	struct sd_action *ring = calloc(room, sizeof *ring);

	if (!ring)
		return false;
	for (size_t i = 0; i < en->action_count; i++)
		ring[i] = en->actions[(en->action_head + i) % en->action_room];
	free(en->actions);
	en->actions = ring;
	en->action_head = 0;
	en->action_room = room;
	return true;
}

bool sd_en_act(struct sd_engine *en, struct sd_action a)
{
	if (en->action_count == en->action_room && !grow_actions(en)) {
		sd_action_release(&a);
		en->oom = true;
		return false;
	}
	en->actions[(en->action_head + en->action_count) % en->action_room] = a;
	en->action_count++;
	return true;
}

bool sd_engine_next(struct sd_engine *en, struct sd_action *out)
{
	if (!en->action_count)
		return false;
	*out = en->actions[en->action_head];
	en->action_head = (en->action_head + 1) % en->action_room;
	en->action_count--;
	return true;
}

static bool room_for_request(struct sd_engine *en)
{
	size_t room = en->request_room ? en->request_room * 2 : 16;
	struct sd_request *r;

	if (en->request_count < en->request_room)
		return true;
	r = realloc(en->requests, room * sizeof *r);
	if (!r)
		return false;
	en->requests = r;
	en->request_room = room;
	return true;
}

uint64_t sd_en_http(
	struct sd_engine *en, enum sd_owner owner, char *body, enum sd_auth_mode mode, bool early)
{
	struct sd_action a = {.kind = SD_ACT_HTTP, .mode = mode, .text = body, .early = early};

	if (!body || !room_for_request(en)) {
		free(body);
		en->oom = true;
		return 0;
	}
	a.id = ++en->next_id;
	a.timeout_ms = en->set->timeout_ms;
	en->status.sent_bytes += (int64_t)strlen(body);
	if (!sd_en_act(en, a))
		return 0;
	en->requests[en->request_count++] = (struct sd_request){.id = a.id, .owner = owner};
	return a.id;
}

void sd_en_cancel(struct sd_engine *en, uint64_t id)
{
	for (size_t i = 0; i < en->request_count; i++) {
		if (en->requests[i].id != id)
			continue;
		en->requests[i] = en->requests[--en->request_count];
		sd_en_act(en, (struct sd_action){.kind = SD_ACT_HTTP_CANCEL, .id = id});
		return;
	}
}

/* {"event":name,"at":ms, then the members of fields. */
static char *event_text(const char *name, const struct cJSON *fields, int64_t now_ms)
{
	struct sd_buf b = SD_BUF_INIT;

	sd_buf_str(&b, "{\"event\":");
	sd_json_quote(&b, name, strlen(name));
	sd_buf_fmt(&b, ",\"at\":%lld", (long long)now_ms);
	for (struct cJSON *c = sd_json_child(fields); c; c = sd_json_next(c)) {
		sd_buf_ch(&b, ',');
		sd_json_quote(&b, sd_json_name(c), strlen(sd_json_name(c)));
		sd_buf_ch(&b, ':');
		if (!sd_json_print(c, &b))
			b.failed = true;
	}
	sd_buf_ch(&b, '}');
	return sd_buf_take(&b);
}

void sd_en_event(struct sd_engine *en, const char *name, struct cJSON *fields, int64_t now_ms)
{
	char *text = event_text(name, fields, now_ms);

	sd_json_free(fields);
	if (text)
		sd_en_act(en, (struct sd_action){.kind = SD_ACT_EVENT, .text = text});
	else
		en->oom = true;
}

void sd_en_outbox_status(struct sd_engine *en, int64_t now_ms)
{
	struct cJSON *f = sd_json_object();
	struct sd_error e;
	bool any;

	/* a refused change stays for the person, but nothing of it will ever be sent by itself */
	if (!f || sd_outbox_any(en->store, &any, &e) != SD_OK) {
		en->oom = en->oom || !f;
		sd_json_free(f);
		return;
	}
	en->told_empty = !any;
	sd_json_add_bool(f, "isEmpty", !any);
	sd_en_event(en, "outboxStatus", f, now_ms);
}
