"""The packages that are compared, one module for each.

A module has the functions that its package can do with its own means; `cases.py` says what each function is given:

    version()                              name and version, and those of the libraries inside, if the package tells them
    planes(path)                           all frames, each as a list of arrays with the samples of the file
    rgb(path)                              all frames as RGB (or BGR), uint8
    numbered(path, numbers)                the frames with these numbers, in this order, as RGB (or BGR), uint8
    sheet(path, times, size)               the frames on screen at these times, scaled, as RGB (or BGR), uint8
    encode_rgb(path, frames, rate)         RGB arrays to x264, 4:2:0
    encode_planes(path, frames, rate)      lists of uint16 planes, 4:2:0, to x265 with 10 bits
    once(path)                             opens a file, reads its first frame and closes it

Each is written as the documentation of the package advises, with threads for all cores.
"""
