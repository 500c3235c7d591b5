"""Where the images and label files of a YOLO dataset are: the rules of Ultralytics, and the layouts of other tools."""
