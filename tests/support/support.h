/* tests/support/support.h - what tests share. */
#ifndef SD_TESTS_SUPPORT_H
#define SD_TESTS_SUPPORT_H

/* A fresh directory of its own, in memory where possible.  Owned; give it to the remover. */
char *sd_test_dir(void);
void sd_test_dir_remove(char *dir);

#endif
