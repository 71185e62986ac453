/*
 * app/demo/seed.c - the demo's records: a few thousand that read like real ones.
 *
 * Everything comes from one fixed seed, so that every demo, picture and test sees the same data.
 * Dates lie around the day the file is written, so that "due this week" means something.
 */
#include "app/demo/demo.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "core/base/rand.h"
#include "core/base/text.h"
#include "core/base/time.h"
#include "core/json/json.h"

#define SITES       120
#define TECHNICIANS 24
#define WORK_ORDERS 1200
#define LABELS      14
#define PARTS       320
#define COUNT(a)    (sizeof(a) / sizeof *(a))

static const char *const CITY[] = {"Lisbon", "Porto", "Bremen", "Gdańsk", "Ghent", "Malmö", "Turin",
	"Brno", "Zürich", "Aarhus", "Galway", "Łódź"};
static const char *const STREET[] = {"Harbour Road", "Mill Lane", "Station Street", "Old Quay",
	"Foundry Row", "Garden Avenue", "Chapel Hill", "Canal Walk", "Market Square", "North Gate"};
static const char *const KIND[] = {"Clinic", "Warehouse", "Bakery", "School", "Depot", "Library",
	"Hotel", "Swimming Pool", "Cold Store", "Data Centre"};
static const char *const NAME_OF[] = {"Riverside", "St. Anne", "Kastanie", "Oakfield", "Müller",
	"Santos", "Northern", "Blue Door", "Vistula", "Aurora", "Hillcrest", "Dock 9"};
static const char *const FIRST[] = {"Ana", "Bo", "Chidi", "Dana", "Elif", "Farid", "Greta", "Hugo",
	"Ines", "Jonas", "Kaja", "Liam", "Mira", "Nils", "Olga", "Pau", "Rosa", "Sami", "Tove",
	"Uwe", "Vera", "Wim", "Yara", "Zoe"};
static const char *const LAST[] = {"Lima", "Berg", "Okafor", "Novak", "Kaya", "Haddad", "Lund",
	"Costa", "Weber", "Nowak", "Byrne", "Silva", "Janssen", "Rossi", "Horvat", "Meyer"};
static const char *const SKILL[] = {"boilers", "chillers", "electrical", "pumps", "lifts",
	"fire alarms", "controls", "refrigerants"};
static const struct {
	const char *title, *text;
} JOB[] = {
	{"Boiler loses pressure overnight",
		"Pressure falls from 1.8 to 0.6 bar by morning; no visible leak."},
	{"Replace circulation pump", "Bearing noise since last week. Pump is from 2011."},
	{"Annual fire alarm test", "All loops, with the warden. Bring the log book."},
	{"Cold room above 8 °C", "Alarm at 04:10; product was moved to room 2."},
	{"Lift stops between floors",
		"Happens with the heavy trolley only. Door contact suspected."},
	{"Filter change, air handling unit 3", "Two F7 and two G4; the roof key is at reception."},
	{"Thermostat shows wrong time", "Clock is one hour off since the change to winter time."},
	{"Leak under the wash basin", "Bucket in place. Tenant is in after 15:00."},
	{"Emergency lights fail the test", "11 of 40 fittings; batteries are six years old."},
	{"Commission new heat pump",
		"Check refrigerant charge and flow; hand over to the caretaker."},
	{"Water meter reading", "Three meters, photo each."},
	{"Door closer slams", "Adjust, and replace the seal if worn."},
	{"Compressor trips on high pressure",
		"Condenser looks clean; check fan and pressure switch."},
	{"Legionella flush and sampling", "Label bottles with the tap number."},
	{"Smell of gas reported", "Network operator closed the valve; find and mend the leak."},
	{"Calibrate CO2 sensors", "Rooms 101 to 118; certificate needed."},
};
static const char *const TAG[] = {"warranty", "tenant", "roof", "night", "recall", "contract",
	"two people", "ladder", "noise", "water"};
static const char *const NOTE[] = {"Called the caretaker, key is in the box.",
	"Ordered the part, two days.", "Reset done, watching it over the weekend.",
	"Photo sent to the supplier.", "Nobody there at 9, came back at 11.",
	"Needs a second person for the lift.", "Measured 3.2 bar, that is fine.",
	"Customer signed.", "Found a chewed cable (mouse?).", "Wrong gasket delivered."};
static const char *const LABEL[] = {"safety", "heating", "cooling", "water", "electrical", "quote",
	"invoice", "warranty", "inspection", "noise", "rework", "training", "seasonal", "VIP"};
static const char *const COLOR[] = {"red", "orange", "yellow", "green", "blue", "violet", "grey"};
static const char *const SUPPLIER[] = {"Hydra", "NordTherm", "Kessel & Co", "Pumpenwerk"};
static const char *const PART[] = {"Gasket", "Pump seal", "Pressure switch", "Thermostat",
	"Fan belt", "Filter F7", "Contactor", "Relay 24 V", "Valve body", "Sight glass",
	"Flow sensor", "Fuse 10 A"};
static const char *const STATUS[] = {"OPEN", "OPEN", "SCHEDULED", "SCHEDULED", "IN_PROGRESS",
	"ON_HOLD", "DONE", "DONE", "DONE", "CANCELLED"};
static const char *const PRIORITY[] = {"LOW", "NORMAL", "NORMAL", "NORMAL", "HIGH", "URGENT"};

struct gen {
	FILE *f;
	struct sd_rand r;
	int64_t today_ms;
	char site[SITES][SD_UUID_TEXT], tech[TECHNICIANS][SD_UUID_TEXT],
		label[LABELS][SD_UUID_TEXT];
	char order[WORK_ORDERS][SD_UUID_TEXT];
	bool ok;
};

#define PICK(g, a) ((a)[sd_rand_below(&(g)->r, (uint32_t)COUNT(a))])

/* Writes {"model":..,"fields":..}; fields move. */
static void put(struct gen *g, const char *model, struct cJSON *fields)
{
	struct cJSON *j = sd_json_object();
	struct sd_buf b = SD_BUF_INIT;

	sd_json_add_str(j, "model", model);
	sd_json_add(j, "fields", fields);
	sd_json_print(j, &b);
	sd_buf_ch(&b, '\n');
	g->ok = g->ok && fwrite(sd_buf_text(&b), 1, b.len, g->f) == b.len;
	sd_buf_release(&b);
	sd_json_free(j);
}

static void add_fmt(struct cJSON *j, const char *name, const char *fmt, ...) SD_PRINTF(3, 4);
static void add_fmt(struct cJSON *j, const char *name, const char *fmt, ...)
{
	char text[400];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(text, sizeof text, fmt, ap);
	va_end(ap);
	sd_json_add_str(j, name, text);
}

/* A day around today; time NULL: a date only. */
static void add_day(struct gen *g, struct cJSON *j, const char *name, int days, bool time)
{
	char iso[SD_TIME_TEXT];
	int64_t at = g->today_ms + days * 86400000LL +
		     (time ? (7 + sd_rand_below(&g->r, 10)) * 3600000LL : 0);

	sd_time_iso(at, iso);
	if (!time)
		iso[10] = '\0';
	sd_json_add_str(j, name, iso);
}

/* "Ana.Lima" for an address: ASCII only. */
static void add_person(struct gen *g, struct cJSON *j, const char *first, const char *last)
{
	add_fmt(j, "name", "%s %s", first, last);
	add_fmt(j, "email", "%s.%s@example.com", first, last);
	add_fmt(j, "phone", "+1 555 %03u %04u", 100 + sd_rand_below(&g->r, 900),
		sd_rand_below(&g->r, 10000));
}

static void people_and_places(struct gen *g)
{
	for (int i = 0; i < TECHNICIANS; i++) {
		struct cJSON *j = sd_json_object(), *skills = sd_json_array();
		sd_uuid4(&g->r, g->tech[i]);
		sd_json_add_str(j, "id", g->tech[i]);
		add_person(g, j, FIRST[i], PICK(g, LAST));
		for (uint32_t k = 0, n = 1 + sd_rand_below(&g->r, 3); k < n; k++)
			sd_json_push(skills,
				sd_json_string(SKILL[(k * 3 + (uint32_t)i) % COUNT(SKILL)]));
		sd_json_add(j, "skills", skills);
		sd_json_add_bool(j, "onDuty", sd_rand_below(&g->r, 3) != 0);
		put(g, "Technician", j);
	}
	for (int i = 0; i < SITES; i++) {
		struct cJSON *j = sd_json_object(), *contact = sd_json_object();
		sd_uuid4(&g->r, g->site[i]);
		sd_json_add_str(j, "id", g->site[i]);
		add_fmt(j, "name", "%s %s", NAME_OF[i % COUNT(NAME_OF)], PICK(g, KIND));
		add_fmt(j, "street", "%s %u", PICK(g, STREET), 1 + sd_rand_below(&g->r, 180));
		sd_json_add_str(j, "city", PICK(g, CITY));
		add_person(g, contact, PICK(g, FIRST), PICK(g, LAST));
		sd_json_add(j, "contact", contact);
		if (sd_rand_below(&g->r, 3) == 0)
			add_fmt(j, "accessNotes", "Key box code %04u, left of the gate.",
				sd_rand_below(&g->r, 10000));
		sd_json_add_bool(j, "active", sd_rand_below(&g->r, 12) != 0);
		put(g, "Site", j);
	}
}

static void catalogue(struct gen *g)
{
	for (int i = 0; i < LABELS; i++) {
		struct cJSON *j = sd_json_object();
		sd_uuid4(&g->r, g->label[i]);
		sd_json_add_str(j, "id", g->label[i]);
		sd_json_add_str(j, "name", LABEL[i]);
		sd_json_add_str(j, "color", COLOR[i % COUNT(COLOR)]);
		put(g, "Label", j);
	}
	for (int i = 0; i < PARTS; i++) {
		struct cJSON *j = sd_json_object();
		sd_json_add_str(j, "supplier", SUPPLIER[i % COUNT(SUPPLIER)]);
		sd_json_add_int(j, "number", 1000 + i * 7);
		add_fmt(j, "name", "%s, type %c%u", PART[i % COUNT(PART)], 'A' + i % 5,
			10 + i / 12);
		sd_json_add_int(j, "stock", sd_rand_below(&g->r, 60));
		sd_json_add(j, "price",
			sd_json_real((double)(150 + sd_rand_below(&g->r, 24000)) / 100));
		add_day(g, j, "lastCounted", -(int)sd_rand_below(&g->r, 200), false);
		put(g, "Part", j);
	}
}

static void order_details(struct gen *g, struct cJSON *j)
{
	struct cJSON *tags = sd_json_array(), *readings;
	uint32_t first = sd_rand_below(&g->r, (uint32_t)COUNT(TAG));

	for (uint32_t k = 0, n = sd_rand_below(&g->r, 4); k < n; k++)
		sd_json_push(tags, sd_json_string(TAG[(first + k * 3) % COUNT(TAG)]));
	sd_json_add(j, "tags", tags);
	if (sd_rand_below(&g->r, 4) == 0) {
		readings = sd_json_object();
		sd_json_add(
			readings, "bar", sd_json_real((double)(5 + sd_rand_below(&g->r, 30)) / 10));
		sd_json_add_int(readings, "celsius", 2 + sd_rand_below(&g->r, 70));
		sd_json_add(j, "readings", readings);
	}
	if (sd_rand_below(&g->r, 3))
		sd_json_add(j, "hours", sd_json_real((double)(1 + sd_rand_below(&g->r, 16)) / 2));
}

static void orders(struct gen *g)
{
	for (int i = 0; i < WORK_ORDERS; i++) {
		struct cJSON *j = sd_json_object();
		size_t job = sd_rand_below(&g->r, (uint32_t)COUNT(JOB));
		const char *status = PICK(g, STATUS);
		int days = (int)sd_rand_below(&g->r, 120) - 80;
		sd_uuid4(&g->r, g->order[i]);
		sd_json_add_str(j, "id", g->order[i]);
		sd_json_add_int(j, "number", 20001 + i);
		sd_json_add_str(j, "title", JOB[job].title);
		sd_json_add_str(j, "description", JOB[job].text);
		sd_json_add_str(j, "status", status);
		sd_json_add_str(j, "priority", PICK(g, PRIORITY));
		add_day(g, j, "dueDate", days, false);
		if (strcmp(status, "OPEN") != 0)
			add_day(g, j, "scheduledAt", days - 2, true);
		order_details(g, j);
		sd_json_add_str(j, "siteId", g->site[sd_rand_below(&g->r, SITES)]);
		if (strcmp(status, "OPEN") != 0)
			sd_json_add_str(
				j, "technicianId", g->tech[sd_rand_below(&g->r, TECHNICIANS)]);
		put(g, "WorkOrder", j);
	}
	for (int i = 0; i < WORK_ORDERS; i++) {
		for (uint32_t k = 0, n = sd_rand_below(&g->r, 4); k < n; k++) {
			struct cJSON *j = sd_json_object();
			sd_json_add_str(j, "text", PICK(g, NOTE));
			sd_json_add_str(j, "author", PICK(g, FIRST));
			sd_json_add_str(j, "workOrderId", g->order[i]);
			put(g, "Note", j);
		}
		if (sd_rand_below(&g->r, 2)) {
			struct cJSON *j = sd_json_object();
			sd_json_add_str(j, "workOrderId", g->order[i]);
			sd_json_add_str(j, "labelId", g->label[sd_rand_below(&g->r, LABELS)]);
			put(g, "WorkOrderLabels", j);
		}
	}
}

enum sd_err app_demo_seed_file(char **path, struct sd_error *e)
{
	const char *tmp = getenv("TMPDIR");
	struct gen *g = calloc(1, sizeof *g);
	int fd;

	*path = NULL;
	if (!g || asprintf(path, "%s/syncdeck-demo.XXXXXX", tmp && *tmp ? tmp : "/tmp") < 0) {
		free(g);
		return sd_fail(e, SD_NOMEM, 0, "demo: out of memory");
	}
	fd = mkostemp(*path, 0);
	g->f = fd >= 0 ? fdopen(fd, "w") : NULL;
	if (!g->f) {
		sd_fail(e, SD_IO, errno, "demo: cannot write %s: %s", *path, strerror(errno));
		if (fd >= 0)
			close(fd);
		free(*path);
		*path = NULL;
		free(g);
		return SD_IO;
	}
	sd_rand_seeded(&g->r, 2026);
	g->today_ms = sd_now_ms() / 86400000 * 86400000;
	g->ok = true;
	people_and_places(g);
	catalogue(g);
	orders(g);
	g->ok = fclose(g->f) == 0 && g->ok;
	if (!g->ok) {
		unlink(*path);
		free(*path);
		*path = NULL;
	}
	fd = g->ok;
	free(g);
	return fd ? SD_OK : sd_fail(e, SD_IO, 0, "demo: the disk is full");
}
