/* app/cli/forensic.c - forensic: the queue and the rows of a copied DataStore file (U-12). */
#include <string.h>

#include "app/cli/cli.h"

static const char QUEUE_COLUMNS[] = "enqueued op model key fields version lane";
static const char TABLE_COLUMNS[] = "table rows kind";

int cli_forensic(struct cli *c, struct cli_args *a)
{
	struct cli_emit_ctx x = {.c = c};
	struct sd_error e = {.code = SD_OK};
	const char *what;
	enum sd_err err;
	int rc = cli_take_options(c, a, NULL, 0);

	if (rc == 0 && (a->n < 1 || a->n > 2))
		rc = cli_usage(c, "forensic");
	if (rc)
		return rc;
	what = a->n == 2 ? a->v[1] : NULL;
	if (!what)
		x.columns = QUEUE_COLUMNS;
	else if (strcmp(what, "tables") == 0)
		x.columns = TABLE_COLUMNS;
	err = sd_api_forensic(a->v[0], what, cli_emit_rec, &x, &e);
	if (x.columns)
		cli_flush(c, x.columns);
	if (err != SD_OK)
		return cli_fail(c, err == SD_NOTFOUND ? SD_INVAL : err, &e);
	if (cli_interrupted())
		return 130;
	if (!x.count)
		cli_note(c, what ? "%s: no rows" : "%s: nothing waits to be sent", a->v[0]);
	return 0;
}
