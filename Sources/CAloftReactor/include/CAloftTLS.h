#ifndef CALOFTTLS_H
#define CALOFTTLS_H
#endif
