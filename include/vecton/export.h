// VECTON_API marks what the shared library exports.
#pragma once

#define VECTON_API __attribute__((visibility("default")))
