/*
 * core/base/time.h - clocks handed in, instants and durations as text.
 *
 * Data uses Unix milliseconds in UTC (int64_t, *_ms); waits use a monotonic clock.  Nothing in
 * core/sync or core/sandbox/core reads a clock itself.  Threads: no state.
 */
#ifndef SD_BASE_TIME_H
#define SD_BASE_TIME_H

#include <stdbool.h>
#include <stdint.h>

#define SD_TIME_TEXT 64 /* bytes that any text of this module needs */

int64_t sd_now_ms(void);  /* wall clock; SYNCDECK_TEST_CLOCK=<ms> freezes it */
int64_t sd_mono_ms(void); /* monotonic, arbitrary start */
int64_t sd_mono_us(void);

/* "2026-11-22T12:04:31.123Z" */
void sd_time_iso(int64_t ms, char out[SD_TIME_TEXT]);
/* Parses an RFC 3339 instant or a date ("2026-11-22", midnight UTC); false when it is neither. */
bool sd_time_parse(const char *s, int64_t *ms);
/* Days since 1970-01-01 of a civil date; and whether that date exists. */
int64_t sd_days_from_civil(int64_t y, unsigned m, unsigned d);
bool sd_date_exists(int64_t y, unsigned m, unsigned d);

/* "500ms" "30s" "5m" "24h" "7d"; a bare number is refused.  false on anything else. */
bool sd_duration_parse(const char *s, int64_t *ms);
/* Short age for a person: "3s" "5m" "2h" "15d". */
void sd_age_text(int64_t ms, char out[SD_TIME_TEXT]);

#endif
