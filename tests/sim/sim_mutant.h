/* tests/sim/sim_mutant.h - bugs on purpose, see sim_mutant.c. */
#ifndef SD_TESTS_SIM_MUTANT_H
#define SD_TESTS_SIM_MUTANT_H

#include <stdbool.h>

extern const char *const sim_mutants[]; /* names, NULL at the end */
/* NULL: none.  false: there is no such mutant. */
bool sim_mutant_set(const char *name);
bool sim_mutant_is(const char *name);

#endif
