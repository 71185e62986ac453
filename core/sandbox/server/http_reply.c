/* core/sandbox/server/http_reply.c - writing answers; see http.h. */
#include <time.h>

#include "core/sandbox/server/http.h"

static const struct {
	int status;
	const char *reason;
} REASON[] = {
	{101, "Switching Protocols"},
	{200, "OK"},
	{204, "No Content"},
	{400, "Bad Request"},
	{401, "Unauthorized"},
	{403, "Forbidden"},
	{404, "Not Found"},
	{405, "Method Not Allowed"},
	{408, "Request Timeout"},
	{409, "Conflict"},
	{413, "Content Too Large"},
	{417, "Expectation Failed"},
	{426, "Upgrade Required"},
	{429, "Too Many Requests"},
	{431, "Request Header Fields Too Large"},
	{500, "Internal Server Error"},
	{501, "Not Implemented"},
	{502, "Bad Gateway"},
	{503, "Service Unavailable"},
	{504, "Gateway Timeout"},
	{505, "HTTP Version Not Supported"},
};

const char *sd_hs_reason(int status)
{
	for (size_t i = 0; i < sizeof REASON / sizeof *REASON; i++)
		if (REASON[i].status == status)
			return REASON[i].reason;
	return "Status";
}

static void date_line(struct sd_buf *out, int64_t ms)
{
	static const char DAY[] = "SunMonTueWedThuFriSat";
	static const char MONTH[] = "JanFebMarAprMayJunJulAugSepOctNovDec";
	time_t t = (time_t)(ms / 1000);
	struct tm tm;

	if (!gmtime_r(&t, &tm))
		return;
	sd_buf_fmt(out, "date: %.3s, %02d %.3s %d %02d:%02d:%02d GMT\r\n", DAY + 3 * tm.tm_wday,
		tm.tm_mday, MONTH + 3 * tm.tm_mon, tm.tm_year + 1900, tm.tm_hour, tm.tm_min,
		tm.tm_sec);
}

bool sd_hs_write(struct sd_buf *out, const struct sd_hs_reply *r)
{
	sd_buf_fmt(out, "HTTP/1.1 %d %s\r\n", r->status, sd_hs_reason(r->status));
	date_line(out, r->date_ms);
	if (r->type)
		sd_buf_fmt(out, "content-type: %s\r\n", r->type);
	if (r->extra)
		sd_buf_str(out, r->extra);
	if (r->chunked)
		sd_buf_str(out, "transfer-encoding: chunked\r\n");
	if (r->status >= 200 && r->status != 204 && !r->unsized)
		sd_buf_fmt(out, "content-length: %zu\r\n", r->n);
	if (r->close)
		sd_buf_str(out, "connection: close\r\n");
	sd_buf_str(out, "\r\n");
	if (r->n && !r->head_only && r->status != 204)
		sd_buf_add(out, r->body, r->n);
	return sd_buf_ok(out);
}
