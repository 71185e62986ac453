/* core/api/rescue.c - a store too damaged to be opened; see api.h. */
#include "core/store/rescue.h"

#include "core/api/internal.h"

enum sd_err sd_api_rescue(const char *data_dir, const struct sd_schema *schema, struct cJSON **out,
	struct sd_error *e)
{
	struct sd_rand rand;
	struct sd_store_opts o = {
		.dir = data_dir, .schema = schema, .now_ms = sd_now_ms(), .rand = &rand};
	struct sd_rescued r = {0};
	bool did;
	int lock = -1;
	enum sd_err rc = sd_wipe_finish(data_dir, &did, e);

	*out = NULL;
	sd_rand_system(&rand);
	if (rc == SD_OK)
		rc = sd_lock_take(data_dir, SD_LOCK_PROFILE_EXCLUSIVE, 5000, &lock, e);
	if (rc == SD_OK)
		rc = sd_store_rescue(&o, &r, e);
	sd_lock_release(lock);
	if (rc == SD_OK) {
		*out = sd_json_object();
		sd_json_add_bool(*out, "sound", r.sound);
		sd_json_add_bool(*out, "readable", r.readable || r.sound);
		sd_json_add_int(*out, "unsent", r.entries);
		sd_json_add_int(*out, "lost", r.lost_entries);
		sd_json_add_int(*out, "records", r.rows);
		sd_json_add_str(*out, "damaged", r.damaged);
		sd_json_add_str(*out, "kept", r.kept);
	}
	sd_rescued_release(&r);
	return rc;
}
