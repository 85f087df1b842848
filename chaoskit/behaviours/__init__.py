"""behaviours"""
