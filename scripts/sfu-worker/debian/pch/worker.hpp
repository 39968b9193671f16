// The headers that nearly every file of the worker includes.
#pragma once
#define MS_CLASS "pch"
#include "common.hpp"
#include <ankerl/unordered_dense.h>
#include <cmath>
#include <cstring>
#include <deque>
#include <limits>
#include <map>
#include <span>
#include <sstream>
#include <string>
#include <string_view>
#include <vector>
#include "Logger.hpp"
#include "MediaSoupErrors.hpp"
#include "Utils.hpp"
#undef MS_CLASS
