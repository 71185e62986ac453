/*
 * core/model/scalar_text.h - the text forms of the service's scalars.  Private to core/model.
 *
 * Each function answers what is wrong with a text, NULL when nothing is: static or thread-local
 * text, good until the next call on this thread.  Rules: spec/server.md 1.10.
 */
#ifndef SD_MODEL_SCALAR_TEXT_H
#define SD_MODEL_SCALAR_TEXT_H

const char *sd_wrong_date(const char *s);
const char *sd_wrong_time(const char *s);
const char *sd_wrong_datetime(const char *s);
const char *sd_wrong_email(const char *s);
const char *sd_wrong_url(const char *s);
const char *sd_wrong_phone(const char *s);
const char *sd_wrong_ip(const char *s);

#endif
