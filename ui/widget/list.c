/* ui/widget/list.c - see list.h. */
#include "ui/widget/list.h"

void sd_list_fit(struct sd_list *l, int n, int h)
{
	if (h < 1)
		h = 1;
	if (l->at >= n)
		l->at = n - 1;
	if (l->at < 0)
		l->at = 0;
	if (l->top > l->at)
		l->top = l->at;
	if (l->top < l->at - h + 1)
		l->top = l->at - h + 1;
	if (l->top > n - h)
		l->top = n - h;
	if (l->top < 0)
		l->top = 0;
}

bool sd_list_act(struct sd_list *l, enum sd_act a, int n, int h)
{
	switch (a) {
	case SD_ACT_DOWN:
		l->at++;
		break;
	case SD_ACT_UP:
		l->at--;
		break;
	case SD_ACT_FIRST:
		l->at = 0;
		break;
	case SD_ACT_LAST:
		l->at = n - 1;
		break;
	case SD_ACT_HALF_DOWN:
		l->at += h / 2;
		break;
	case SD_ACT_HALF_UP:
		l->at -= h / 2;
		break;
	case SD_ACT_PAGE_DOWN:
		l->at += h;
		break;
	case SD_ACT_PAGE_UP:
		l->at -= h;
		break;
	default:
		return false;
	}
	sd_list_fit(l, n, h);
	return true;
}
