/* tests/bench/pages.c - see pages.h. */
#include "tests/bench/pages.h"

#include <arpa/inet.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "core/base/buf.h"
#include "core/base/rand.h"

#define CONNS 64

const char PAGES_SDL[] =
	"enum Status { ACTIVE DRAFT ARCHIVED }\n"
	"type Record @model(subscriptions: { level: off }) {\n"
	"  id: ID!\n  title: String!\n  body: String\n  rating: Int\n  featured: Boolean\n"
	"  tags: [String]\n"
	"  status: Status @index(name: \"byStatus\", queryField: \"recordsByStatus\")\n"
	"}\n";

struct conn {
	int fd;
	struct sd_buf in;
	const char *out; /* borrowed from a page; NULL: idle */
	size_t out_len, sent;
	char head[256];
	size_t head_len;
};

static struct sd_buf *page;
static int page_count;

static void make_record(struct sd_buf *b, struct sd_rand *r, int n)
{
	static const char *const STATUS[] = {"ACTIVE", "DRAFT", "ARCHIVED"};
	char id[SD_UUID_TEXT];

	sd_uuid4(r, id);
	sd_buf_fmt(b,
		"{\"id\":\"%s\",\"title\":\"Record number %d of the run\",\"body\":\""
		"The pump in the cellar was replaced in spring; pressure has been stable since, "
		"and the "
		"meter was read and "
		"photographed.\",\"rating\":%d,\"featured\":%s,\"tags\":[\"alpha\","
		"\"beta\",\"gamma\"],\"status\":\"%s\",\"createdAt\":\"2026-11-02T09:12:44.120Z\","
		"\"updatedAt\":\"2026-11-22T11:58:02.001Z\",\"_version\":1,\"_lastChangedAt\":"
		"1795371006%03d,"
		"\"_deleted\":null}",
		id, n, n % 100, n % 2 ? "true" : "false", STATUS[n % 3], n % 1000);
}

static void make_pages(int pages)
{
	struct sd_rand r;

	sd_rand_seeded(&r, 42);
	page = calloc((size_t)pages, sizeof *page);
	page_count = pages;
	for (int p = 0; p < pages; p++) {
		sd_buf_str(&page[p], "{\"data\":{\"syncRecords\":{\"items\":[");
		for (int i = 0; i < PAGE_ROWS; i++) {
			if (i)
				sd_buf_ch(&page[p], ',');
			make_record(&page[p], &r, p * PAGE_ROWS + i);
		}
		sd_buf_str(&page[p], "],\"nextToken\":");
		if (p + 1 < pages)
			sd_buf_fmt(&page[p], "\"%d\"", p + 1);
		else
			sd_buf_str(&page[p], "null");
		sd_buf_str(&page[p], ",\"startedAt\":1795371007000}}}");
	}
}

static void answer(struct conn *c, const char *body)
{
	static const char other[] = "{\"data\":{\"__typename\":\"Query\"}}";
	const char *t = strstr(body, "\"nextToken\":\"");
	int n = t ? (int)strtol(t + 13, NULL, 10) : 0;
	bool sync = strstr(body, "syncRecords") != NULL;

	c->out = sync && n < page_count ? page[n].data : other;
	c->out_len = sync && n < page_count ? page[n].len : sizeof other - 1;
	c->sent = 0;
	c->head_len = (size_t)snprintf(c->head, sizeof c->head,
		"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: %zu\r\n\r\n",
		c->out_len);
}

/* A whole request in the buffer: answers it. */
static void take_request(struct conn *c)
{
	char *end = c->in.data ? strstr(c->in.data, "\r\n\r\n") : NULL, *l;
	size_t head, body = 0;

	if (!end)
		return;
	head = (size_t)(end - c->in.data) + 4;
	l = strcasestr(c->in.data, "content-length:");
	if (l && l < end)
		body = (size_t)strtol(l + 15, NULL, 10);
	if (c->in.len < head + body)
		return;
	char keep = c->in.data[head + body];
	c->in.data[head + body] = '\0';
	answer(c, c->in.data + head);
	c->in.data[head + body] = keep;
	sd_buf_drop(&c->in, head + body);
}

static bool push_out(struct conn *c)
{
	while (c->out) {
		const char *p = c->sent < c->head_len ? c->head + c->sent
						      : c->out + (c->sent - c->head_len);
		size_t left = c->sent < c->head_len ? c->head_len - c->sent
						    : c->out_len - (c->sent - c->head_len);
		ssize_t n = send(c->fd, p, left, MSG_DONTWAIT | MSG_NOSIGNAL);
		if (n <= 0)
			return true;
		c->sent += (size_t)n;
		if (c->sent == c->head_len + c->out_len) {
			c->out = NULL;
			take_request(c);
		}
	}
	return true;
}

static bool read_in(struct conn *c)
{
	char b[65536];
	ssize_t n = recv(c->fd, b, sizeof b, MSG_DONTWAIT);

	if (n <= 0)
		return false;
	sd_buf_add(&c->in, b, (size_t)n);
	if (!c->out)
		take_request(c);
	return push_out(c);
}

static void serve(int listener)
{
	struct conn conn[CONNS] = {0};
	struct pollfd p[CONNS + 1];
	int n = 0, one = 1;

	for (;;) {
		p[0] = (struct pollfd){listener, n < CONNS ? POLLIN : 0, 0};
		for (int i = 0; i < n; i++)
			p[i + 1] = (struct pollfd){
				conn[i].fd, (short)(POLLIN | (conn[i].out ? POLLOUT : 0)), 0};
		if (poll(p, (nfds_t)n + 1, -1) < 0)
			return;
		for (int i = n; i-- > 0;) {
			bool ok = true;
			if (p[i + 1].revents & (POLLIN | POLLHUP | POLLERR))
				ok = read_in(&conn[i]);
			if (ok && (p[i + 1].revents & POLLOUT))
				ok = push_out(&conn[i]);
			if (!ok) {
				close(conn[i].fd);
				sd_buf_release(&conn[i].in);
				conn[i] = conn[--n];
			}
		}
		if (p[0].revents & POLLIN) {
			memset(&conn[n], 0, sizeof conn[n]);
			conn[n].fd = accept(listener, NULL, NULL);
			if (conn[n].fd >= 0) {
				setsockopt(conn[n].fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
				n++;
			}
		}
	}
}

struct pages pages_start(int pages)
{
	struct sockaddr_in a = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	socklen_t len = sizeof a;
	struct pages out;
	int fd = socket(AF_INET, SOCK_STREAM, 0);

	if (fd < 0 || bind(fd, (struct sockaddr *)&a, sizeof a) || listen(fd, 16) ||
		getsockname(fd, (struct sockaddr *)&a, &len))
		abort();
	out.port = ntohs(a.sin_port);
	make_pages(pages);
	out.pid = fork();
	if (out.pid == 0) {
		prctl(PR_SET_PDEATHSIG, SIGTERM);
		serve(fd);
		_exit(0);
	}
	for (int i = 0; i < pages; i++) /* the parent needs them no more */
		sd_buf_release(&page[i]);
	free(page);
	close(fd);
	return out;
}

void pages_stop(struct pages *p)
{
	kill(p->pid, SIGTERM);
	waitpid(p->pid, NULL, 0);
}
