/*
 * tests/stories/vthost.c - a program on a pseudo terminal, driven by a script over stdin.
 *
 * usage: vthost ROWS COLS PROGRAM [ARGS]
 * One JSON array a line: ["keys","text",ms] ["type","text"] ["text","what",ms] ["gone","what",ms]
 * ["rows"] ["resize",rows,cols] ["pid"] ["close"]; one JSON value a line answers.
 */
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "core/base/text.h"
#include "core/json/json.h"
#include "tests/support/vtscreen.h"

struct host {
	struct vts *v;
	int rows;
};

static void answer(struct cJSON *j)
{
	char *text = sd_json_text(j);

	puts(text ? text : "null");
	fflush(stdout);
	free(text);
	sd_json_free(j);
}

static struct cJSON *screen(struct host *h)
{
	struct cJSON *a = sd_json_array();

	for (int i = 0; i < h->rows; i++) {
		char *row = vts_row(h->v, i);
		sd_json_push(a, sd_json_string(row ? row : ""));
		free(row);
	}
	return a;
}

/* false: the end */
static bool obey(struct host *h, const struct cJSON *line)
{
	const struct cJSON *word = sd_json_child(line), *second = sd_json_next(word);
	const char *what = sd_json_str(word), *text = sd_json_str(second);
	int64_t ms = 5000, cols = 80, rows = 24;

	what = what ? what : "";
	text = text ? text : "";
	sd_json_i64(sd_json_next(second), &ms);
	if (strcmp(what, "keys") == 0) {
		answer(sd_json_bool(vts_keys(h->v, text, (int)ms)));
	} else if (strcmp(what, "type") == 0) {
		answer(sd_json_bool(vts_type(h->v, text)));
	} else if (strcmp(what, "text") == 0) {
		answer(sd_json_bool(vts_wait_text(h->v, text, (int)ms)));
	} else if (strcmp(what, "gone") == 0) {
		answer(sd_json_bool(vts_wait_gone(h->v, text, (int)ms)));
	} else if (strcmp(what, "rows") == 0) {
		answer(screen(h));
	} else if (strcmp(what, "resize") == 0) {
		sd_json_i64(second, &rows);
		cols = ms;
		h->rows = (int)rows;
		vts_resize(h->v, (int)rows, (int)cols);
		answer(sd_json_bool(true));
	} else if (strcmp(what, "pid") == 0) {
		answer(sd_json_int(vts_pid(h->v)));
	} else {
		answer(sd_json_int(vts_close(h->v)));
		return false;
	}
	return true;
}

int main(int argc, char **argv)
{
	struct host h = {0};
	struct vts_opts o = {0};
	int64_t rows, cols;
	char *line = NULL;
	size_t room = 0;
	bool on = true;

	if (argc < 4 || !sd_parse_i64(argv[1], &rows) || !sd_parse_i64(argv[2], &cols))
		return 2;
	o.rows = h.rows = (int)rows;
	o.cols = (int)cols;
	o.argv = argv + 3;
	h.v = vts_start(&o);
	while (h.v && on) {
		struct pollfd p = {0, POLLIN, 0};
		struct cJSON *j = NULL;
		ssize_t n;
		if (poll(&p, 1, 10) == 0) { /* the program must never wait for its reader */
			vts_wait_idle(h.v, 5);
			continue;
		}
		n = getline(&line, &room, stdin);
		if (n <= 0) {
			kill(vts_pid(h.v), SIGKILL);
			vts_close(h.v);
			break;
		}
		if (sd_json_parse(line, (size_t)n, "line", &j, NULL) != SD_OK)
			return 2;
		on = obey(&h, j);
		sd_json_free(j);
	}
	free(line);
	return 0;
}
