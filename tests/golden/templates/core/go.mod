module boathook/golden

go 1.19
