/* core/api/doctor.h - what the checks share: doctor.c (here), doctor_server.c (there).  Private to
 * core/api. */
#ifndef SD_API_DOCTOR_H
#define SD_API_DOCTOR_H

#include "core/api/ask.h"

struct sd_doctor {
	struct sd_api *api;
	sd_api_rec_fn fn;
	void *ctx;
	int bad;
	bool stopped;
	bool reached;              /* the endpoint answered */
	int64_t server_ms, our_ms; /* the two clocks at one moment; 0: not known */
	struct cJSON *unversioned; /* texts; owned; NULL */
	int64_t looked_at;         /* rows of the server */
	bool looked_all;
};

void sd_doc_tell(struct sd_doctor *d, const char *check, bool ok, const char *fmt, ...)
	SD_PRINTF(4, 5);
void sd_doc_join(const struct cJSON *list, struct sd_buf *out);

void sd_doc_endpoint(struct sd_doctor *d);
void sd_doc_drift(struct sd_doctor *d);
void sd_doc_auth(struct sd_doctor *d);
void sd_doc_realtime(struct sd_doctor *d);
void sd_doc_clock(struct sd_doctor *d);

#endif
