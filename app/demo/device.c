/* app/demo/device.c - see device.h. */
#include "app/demo/device.h"

#include <stdio.h>
#include <string.h>

#include "core/base/log.h"
#include "core/base/text.h"
#include "core/base/time.h"

#define COUNT(a) (sizeof(a) / sizeof *(a))

static const char *const STATUS[] = {"OPEN", "SCHEDULED", "IN_PROGRESS", "ON_HOLD", "DONE"};
static const char *const TEXT[] = {"On site.", "Waiting for the caretaker.", "Part is in the van.",
	"Done, customer informed.", "Coming back tomorrow with a second person.",
	"Pressure is stable now.", "Took photos."};

static bool first_rec(void *ctx, struct cJSON *rec)
{
	struct cJSON **out = ctx;

	*out = sd_json_dup(rec);
	return false;
}

/* A record of the model picked at random; owned; NULL: there is none. */
static struct cJSON *any(struct app_device *d, const char *model, const char *where)
{
	struct sd_api_query q = {.model = model, .where = where, .limit = 1};
	struct cJSON *rec = NULL;
	int64_t n = 0;

	if (sd_api_count(d->api, &q, &n, NULL) != SD_OK || n == 0)
		return NULL;
	q.page = sd_rand_below(&d->rand, (uint32_t)(n < 4000 ? n : 4000));
	if (sd_api_query(d->api, &q, first_rec, &rec, NULL) != SD_OK)
		return NULL;
	return rec;
}

/* Saves fields (moved) of the record rec (key fields are added); rec may be NULL for a new one. */
static void save(
	struct app_device *d, const char *model, const struct cJSON *rec, struct cJSON *fields)
{
	const struct sd_model *m = sd_schema_model(sd_api_schema(d->api), model);
	struct sd_error e = {.code = SD_OK};

	for (size_t i = 0; rec && m && i < m->pk_count; i++) {
		const char *name = m->fields[m->pk[i]].name;
		sd_json_set(fields, name, sd_json_dup(sd_json_get(rec, name)));
	}
	if (sd_api_save(d->api, model, fields, NULL, NULL, &e) != SD_OK)
		sd_log(SD_LOG_INFO, "device", "%s: %s", d->name, e.text);
	sd_json_free(fields);
}

static void move_order(struct app_device *d)
{
	struct cJSON *rec = any(d, "WorkOrder", "status != DONE"), *f = sd_json_object();

	if (sd_rand_below(&d->rand, 2))
		sd_json_add_str(f, "status", STATUS[sd_rand_below(&d->rand, COUNT(STATUS))]);
	else
		sd_json_add(
			f, "hours", sd_json_real((double)(1 + sd_rand_below(&d->rand, 16)) / 2));
	if (rec)
		save(d, "WorkOrder", rec, f);
	else
		sd_json_free(f);
	sd_json_free(rec);
}

static void write_note(struct app_device *d)
{
	struct cJSON *rec = any(d, "WorkOrder", "all"), *f = sd_json_object();

	sd_json_add_str(f, "text", TEXT[sd_rand_below(&d->rand, COUNT(TEXT))]);
	sd_json_add_str(f, "author", d->name);
	if (rec) {
		sd_json_add(f, "workOrderId", sd_json_dup(sd_json_get(rec, "id")));
		save(d, "Note", NULL, f);
	} else {
		sd_json_free(f);
	}
	sd_json_free(rec);
}

static void count_part(struct app_device *d)
{
	struct cJSON *rec = any(d, "Part", "all"), *f = sd_json_object();

	sd_json_add_int(f, "stock", sd_rand_below(&d->rand, 60));
	if (rec)
		save(d, "Part", rec, f);
	else
		sd_json_free(f);
	sd_json_free(rec);
}

void app_device_work(struct app_device *d)
{
	static void (*const JOB[])(struct app_device *) = {
		move_order, move_order, write_note, write_note, count_part};

	JOB[sd_rand_below(&d->rand, COUNT(JOB))](d);
}

/* Another value for a field than v: believable, and never the same. */
static struct cJSON *another(struct app_device *d, const struct sd_field *f, const struct cJSON *v)
{
	struct sd_buf b = SD_BUF_INIT;
	struct cJSON *out = NULL;
	char day[SD_TIME_TEXT];
	double x;

	if (f->list || f->kind == SD_K_NONMODEL || f->scalar == SD_T_AWSJSON)
		return NULL;
	if (f->kind == SD_K_ENUM) {
		for (size_t i = 0; i < f->en->value_count; i++)
			if (!sd_str_eq(f->en->values[i], sd_json_str(v)))
				return sd_json_string(f->en->values[i]);
		return NULL;
	}
	switch (f->scalar) {
	case SD_T_STRING:
		sd_buf_fmt(&b, "%s (%s)", sd_json_str(v) ? sd_json_str(v) : "checked", d->name);
		out = sd_json_string(sd_buf_text(&b));
		break;
	case SD_T_INT:
	case SD_T_FLOAT:
		out = sd_json_real(sd_json_f64(v, &x) ? x + 1 : 1);
		break;
	case SD_T_BOOLEAN:
		out = sd_json_bool(!sd_json_is_true(v));
		break;
	case SD_T_AWSDATE:
		sd_time_iso(sd_now_ms() + 9 * 86400000LL, day);
		day[10] = '\0';
		out = sd_json_string(day);
		break;
	case SD_T_AWSDATETIME:
		sd_time_iso(sd_now_ms() + 9 * 86400000LL, day);
		out = sd_json_string(day);
		break;
	default:
		break;
	}
	sd_buf_release(&b);
	return out;
}

static bool answer(struct app_device *d, const struct cJSON *entry)
{
	const char *model = sd_json_get_str(entry, "model");
	const struct sd_model *m = model ? sd_schema_model(sd_api_schema(d->api), model) : NULL;
	const struct cJSON *fields = sd_json_get(entry, "fields");
	struct sd_buf key = SD_BUF_INIT;
	struct cJSON *rec = NULL, *mine;
	bool done = false;

	if (!m || !sd_json_print(sd_json_get(entry, "key"), &key) ||
		sd_api_get(d->api, model, sd_buf_text(&key), &rec, NULL) != SD_OK) {
		sd_buf_release(&key);
		return false;
	}
	for (const struct cJSON *v = sd_json_child(fields); v && !done; v = sd_json_next(v)) {
		const struct sd_field *f = sd_model_field(m, sd_json_name(v));
		const struct cJSON *known = f ? sd_json_get(rec, f->name) : NULL;
		struct cJSON *other = f && !sd_model_is_key(m, f) ? another(d, f, known) : NULL;
		if (sd_json_equal(other, v, true)) { /* by chance the person's own */
			sd_json_free(other);
			other = f ? another(d, f, v) : NULL;
		}
		if (!other)
			continue;
		mine = sd_json_object();
		sd_json_add(mine, f->name, other);
		save(d, model, rec, mine);
		done = true;
	}
	sd_json_free(rec);
	sd_buf_release(&key);
	return done;
}

void app_device_meddle(struct app_device *d)
{
	struct sd_api_opts o;
	struct sd_api *person = NULL;
	struct cJSON *list = NULL;

	if (!d->person)
		return;
	/* opened for a moment only: a switch of users must find the profile free */
	o = *d->person;
	o.read_only = true;
	if (sd_api_open(&o, &person, NULL) != SD_OK)
		return;
	if (sd_api_outbox(person, false, &list, NULL) != SD_OK)
		list = NULL;
	sd_api_close(person);
	for (const struct cJSON *x = sd_json_child(list); x; x = sd_json_next(x)) {
		int64_t seq = sd_json_get_i64(x, "seq", 0);
		if (seq <= d->answered_seq || !sd_str_eq(sd_json_get_str(x, "op"), "UPDATE") ||
			!sd_str_eq(sd_json_get_str(x, "lane"), "waiting") ||
			sd_now_ms() - sd_json_get_i64(x, "enqueued", 0) < 1500)
			continue;
		if (d->met % 2 == 0 && !answer(d, x))
			continue;
		d->met++;
		d->answered_seq = seq;
	}
	sd_json_free(list);
}
