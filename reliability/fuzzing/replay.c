/* Runs the fuzz target once on each file named, without libFuzzer. */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void run_file(const char *name)
{
    FILE *file = fopen(name, "rb");
    if (!file || fseek(file, 0, SEEK_END) != 0) exit(2);
    const long size = ftell(file);
    uint8_t *data = (uint8_t *)malloc((size_t)size); /* exactly, so that a sanitizer sees what reads on */
    rewind(file);
    if ((!data && size) || fread(data, 1, (size_t)size, file) != (size_t)size) exit(2);
    fclose(file);
    fprintf(stderr, "%s\n", name);
    LLVMFuzzerTestOneInput(data, (size_t)size);
    free(data);
}

int main(int argc, char **argv)
{
    for (int i = 1; i < argc; i++) run_file(argv[i]);
    printf("%d\n", argc - 1);
    return 0;
}
